# Deletes the folder of one import with the medium in it. One that somebody holds is told of, and goes with Remove-CapsStaleMedium.
function Remove-CapsMediumFolder {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Path)
  try {
    [System.IO.Directory]::Delete($Path, $true)
  } catch {
    Write-Warning -Message "'$Path', which may hold bootstrap data, stays behind for an hour: $($_.Exception.Message)"
  }
}
