# Whether a line of the VM's description is this marker; for an empty one, whether no line is a marker of anybody.
function Test-CapsMarker {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [object] $VirtualMachine,
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $Marker
  )
  $wanted = $Marker.Trim()
  foreach ($line in ([string]$VirtualMachine.Description -split '\r?\n')) {
    $text = $line.Trim()
    if ($wanted -eq '') {
      # Of any version of ours.
      if ($text.StartsWith('capscvmm/', [System.StringComparison]::OrdinalIgnoreCase)) { return $false }
    } elseif ($text -ceq $wanted) {
      return $true
    }
  }
  return $wanted -eq ''
}
