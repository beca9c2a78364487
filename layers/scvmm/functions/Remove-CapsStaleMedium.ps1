# Deletes what imports left on this host that were killed with their process, or the host: nobody waits an hour for an import.
function Remove-CapsStaleMedium {
  [CmdletBinding()]
  param()
  $root = Get-CapsMediumFolder
  if (-not [System.IO.Directory]::Exists($root)) { return }
  $limit = [datetime]::UtcNow.AddHours(-1)
  foreach ($path in [System.IO.Directory]::GetDirectories($root)) {
    if ([System.IO.Directory]::GetLastWriteTimeUtc($path) -lt $limit) { Remove-CapsMediumFolder -Path $path }
  }
}
