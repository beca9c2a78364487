# Starts a VM as a job; one that runs already is answered as it is.
function Start-CapsVirtualMachine {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Id)
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $vm = Resolve-CapsVirtualMachine -Id $Id
    if ($vm.VirtualMachineState.ToString() -notin @('Running', 'Starting')) {
      $null = Start-SCVirtualMachine -VM $vm -RunAsynchronously
      $vm = Resolve-CapsVirtualMachine -Id $Id
    }
    ConvertTo-Json -InputObject (ConvertTo-CapsVirtualMachine -VirtualMachine $vm) -Compress -Depth 6
  } catch {
    $failure = Select-CapsFailure -Id $Id -ErrorRecord $_
    $PSCmdlet.ThrowTerminatingError($failure)
  }
}
