# Stops a VM as a job, in the named way; one that is off already is answered as it is.
function Stop-CapsVirtualMachine {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Id,
    [Parameter(Mandatory)] [ValidateSet('Force', 'Shutdown')] [string] $Mode
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $vm = Resolve-CapsVirtualMachine -Id $Id
    if ($vm.VirtualMachineState.ToString() -notin @('PowerOff', 'Stopped', 'PoweringOff', 'Stopping')) {
      if ($Mode -eq 'Force') {
        $null = Stop-SCVirtualMachine -VM $vm -Force -RunAsynchronously
      } else {
        $null = Stop-SCVirtualMachine -VM $vm -Shutdown -RunAsynchronously
      }
      $vm = Resolve-CapsVirtualMachine -Id $Id
    }
    ConvertTo-Json -InputObject (ConvertTo-CapsVirtualMachine -VirtualMachine $vm) -Compress -Depth 6
  } catch {
    $failure = Select-CapsFailure -Id $Id -ErrorRecord $_
    $PSCmdlet.ThrowTerminatingError($failure)
  }
}
