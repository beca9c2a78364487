# The file name of an ISO, with its extension: the library's name may lack it; empty for no medium.
function Get-CapsMediumName {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [AllowNull()] [object] $Iso)
  $path = [string](Get-CapsProperty -InputObject $Iso -Name 'SharePath')
  if ($path -ne '') { return [System.IO.Path]::GetFileName($path) }
  return [string](Get-CapsProperty -InputObject $Iso -Name 'Name')
}
