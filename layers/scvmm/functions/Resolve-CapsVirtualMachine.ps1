# The VM with this id. Throws VirtualMachineNotFound.
function Resolve-CapsVirtualMachine {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Id)
  $vm = Select-CapsVirtualMachine -Id $Id
  if ($null -eq $vm) {
    $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'VirtualMachineNotFound' -Category 'ObjectNotFound' `
          -Message "VMM has no virtual machine with id $Id" -Target @{ Id = $Id }))
  }
  return $vm
}
