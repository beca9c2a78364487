# Deletes what nobody has written to for a day in the account's own temporary folder: what cut-off attempts left on this host.
function Remove-CapsStaleMedium {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Folder)
  $limit = [datetime]::UtcNow.AddDays(-1)
  foreach ($path in [System.IO.Directory]::GetFiles($Folder)) {
    if ([System.IO.File]::GetLastWriteTimeUtc($path) -ge $limit) { continue }
    try {
      [System.IO.File]::Delete($path)
    } catch {
      # Somebody holds it: the next medium's first chunk tries again.
      Write-Verbose -Message "'$path' stays behind: $($_.Exception.Message)"
    }
  }
}
