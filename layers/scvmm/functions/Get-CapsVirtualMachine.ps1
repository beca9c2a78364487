# One VM by id. Throws VirtualMachineNotFound.
function Get-CapsVirtualMachine {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Id)
  try {
    $vm = Resolve-CapsVirtualMachine -Id $Id
    ConvertTo-Json -InputObject (ConvertTo-CapsVirtualMachine -VirtualMachine $vm) -Compress -Depth 6
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
