# The VM with this id, or null when VMM says that there is none; any other failure is thrown, since it says nothing about the VM.
function Select-CapsVirtualMachine {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Id)
  $guid = [guid]$Id
  try {
    $found = @(Get-SCVirtualMachine -ID $guid -ErrorAction Stop)
  } catch {
    if (Test-CapsNotFound -ErrorRecord $_) { return $null }
    throw
  }
  foreach ($candidate in $found) {
    if ($null -ne $candidate) { return $candidate }
  }
  return $null
}
