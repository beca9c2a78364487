# The error to tell of a step on a VM that failed: VirtualMachineNotFound when VMM has the VM no more, else the failure itself.
function Select-CapsFailure {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Id,
    [Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord
  )
  # VMM's own errors begin with a number. It has several for a VM that went meanwhile, none of which means only that.
  if ([regex]::IsMatch($ErrorRecord.FullyQualifiedErrorId, '^\d')) {
    try {
      $null = Resolve-CapsVirtualMachine -Id $Id
    } catch {
      if ($_.FullyQualifiedErrorId -like 'VirtualMachineNotFound*') { return $_ }
    }
  }
  return $ErrorRecord
}
