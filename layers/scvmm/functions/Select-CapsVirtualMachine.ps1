# The VM with this id, or null when VMM says that there is none; any other failure is thrown, since it says nothing about the VM.
function Select-CapsVirtualMachine {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Id)
  $guid = [guid]$Id
  try {
    $found = @(Get-SCVirtualMachine -ID $guid -ErrorAction Stop)
  } catch {
    # VMM's errors begin with a number; 801 is "cannot find object". A missing cmdlet is ObjectNotFound too, without a number.
    $number = [regex]::Match($_.FullyQualifiedErrorId, '^\d+')
    if ($number.Success -and ($number.Value -eq '801' -or $_.CategoryInfo.Category -eq 'ObjectNotFound')) { return $null }
    throw
  }
  foreach ($candidate in $found) {
    if ($null -ne $candidate) { return $candidate }
  }
  return $null
}
