# One step towards no VM: one that is up is stopped, one that is off is removed with its files, one at work is left to finish.
function Remove-CapsVirtualMachine {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Id,
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $Marker
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $vm = Select-CapsVirtualMachine -Id $Id
    if ($null -ne $vm) {
      if (-not (Test-CapsMarker -VirtualMachine $vm -Marker $Marker)) {
        $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'VirtualMachineNotOwned' -Category 'PermissionDenied' `
              -Message "the description of virtual machine $Id does not hold the marker of its machine" -Target @{ Id = $Id }))
      }
      $job = Get-CapsProperty -InputObject $vm -Name 'MostRecentTask'
      $busy = $null -ne $job -and $job.Status.ToString() -in @('Running', 'NotStarted')
      $state = $vm.VirtualMachineState.ToString()
      $transitional = @(
        'Starting', 'PoweringOff', 'Stopping', 'Saving', 'Restoring', 'Pausing', 'DiscardSavedState', 'DiscardingDrives',
        'MergingDrives', 'Deleting', 'UnderCreation', 'UnderUpdate', 'UnderReplacement', 'UnderMigration',
        'CreatingCheckpoint', 'DeletingCheckpoint', 'RecoveringCheckpoint'
      )
      if (-not $busy -and $state -notin $transitional -and $vm.Status.ToString() -notin $transitional) {
        try {
          if ($state -in @('Running', 'Paused', 'PausePending', 'PauseCritical')) {
            $null = Stop-SCVirtualMachine -VM $vm -Force -RunAsynchronously
          } else {
            # Never -Force: it would forget the VM and leave it on its host.
            $null = Remove-SCVirtualMachine -VM $vm -RunAsynchronously -Confirm:$false
          }
        } catch {
          # One that went since it was looked at is gone as wished.
          $failure = Select-CapsFailure -Id $Id -ErrorRecord $_
          if ($failure.FullyQualifiedErrorId -notlike 'VirtualMachineNotFound*') { $PSCmdlet.ThrowTerminatingError($failure) }
        }
        $vm = Select-CapsVirtualMachine -Id $Id
      }
    }
    $document = [ordered]@{ Gone = $null -eq $vm }
    if ($null -ne $vm) { $document['VirtualMachine'] = ConvertTo-CapsVirtualMachine -VirtualMachine $vm }
    ConvertTo-Json -InputObject ([pscustomobject]$document) -Compress -Depth 7
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
