# Grows a disk of a VM as a job; a VM whose disk is as large already is answered as it is. Throws VirtualDiskNotFound.
function Expand-CapsVirtualDisk {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Id,
    [Parameter(Mandatory)] [int] $Lun,
    [Parameter(Mandatory)] [ValidateSet('SCSI', 'IDE')] [string] $BusType,
    [Parameter(Mandatory)] [int] $Bus,
    [Parameter(Mandatory)] [long] $SizeMB
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $vm = Resolve-CapsVirtualMachine -Id $Id
    $drive = $null
    foreach ($candidate in @(Get-SCVirtualDiskDrive -VM $vm)) {
      # IDE 0:0 and SCSI 0:0 are two places.
      if ($null -ne $candidate -and $candidate.BusType.ToString() -eq $BusType -and
        [int]$candidate.Bus -eq $Bus -and [int]$candidate.Lun -eq $Lun) {
        $drive = $candidate
      }
    }
    if ($null -eq $drive) {
      $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'VirtualDiskNotFound' -Category 'ObjectNotFound' `
            -Message "virtual machine $Id has no disk on $BusType $($Bus):$Lun" `
            -Target @{ Id = $Id; BusType = $BusType; Bus = $Bus; Lun = $Lun }))
    }
    $disk = Get-CapsProperty -InputObject $drive -Name 'VirtualHardDisk'
    $present = [long](Get-CapsProperty -InputObject $disk -Name 'MaximumSize')
    # In bytes: VMM grows by whole GB, so what was asked for is reached, not met. A disk never shrinks.
    if ($present -lt $SizeMB * 1MB) {
      $size = [int][System.Math]::Ceiling([double]$SizeMB / 1024)
      $null = Expand-SCVirtualDiskDrive -VirtualDiskDrive $drive -VirtualHardDiskSizeGB $size -RunAsynchronously
      $vm = Resolve-CapsVirtualMachine -Id $Id
    }
    ConvertTo-Json -InputObject (ConvertTo-CapsVirtualMachine -VirtualMachine $vm) -Compress -Depth 6
  } catch {
    $failure = Select-CapsFailure -Id $Id -ErrorRecord $_
    $PSCmdlet.ThrowTerminatingError($failure)
  }
}
