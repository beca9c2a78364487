# Whether a line of the VM's description is this marker.
function Test-CapsMarker {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [object] $VirtualMachine,
    [Parameter(Mandatory)] [string] $Marker
  )
  foreach ($line in ([string]$VirtualMachine.Description -split '\r?\n')) {
    if ($line.Trim() -ceq $Marker.Trim()) { return $true }
  }
  return $false
}
