# Puts an imported medium into the VM's first DVD drive, which is made when absent; VMM copies it to the VM's folder.
function Mount-CapsMedium {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Id,
    [Parameter(Mandatory)] [string] $FileName,
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $LibraryShare
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $vm = Resolve-CapsVirtualMachine -Id $Id
    $drives = @(Get-SCVirtualDVDDrive -VM $vm | Where-Object -FilterScript { $null -ne $_ })
    if ($drives.Count -eq 0) {
      $library = Resolve-CapsLibraryShare -LibraryShare $LibraryShare
      $iso = Resolve-CapsIso -Library $library -FileName $FileName
      # Generation 1 has its DVD drive on IDE 1:0, generation 2 on the first free LUN of its SCSI bus.
      $bus = 1
      $lun = 0
      if ([int]$vm.Generation -ge 2) {
        $bus = 0
        $taken = @(
          foreach ($drive in @(Get-SCVirtualDiskDrive -VM $vm)) {
            if ($null -ne $drive -and [int]$drive.Bus -eq 0) { [int]$drive.Lun }
          }
        )
        while ($taken -contains $lun) { $lun++ }
      }
      $null = New-SCVirtualDVDDrive -VM $vm -Bus ([byte]$bus) -LUN ([byte]$lun) -ISO $iso
    } else {
      $present = Get-CapsMediumName -Iso (Get-CapsProperty -InputObject $drives[0] -Name 'ISO')
      if ($present -ne $FileName) {
        $library = Resolve-CapsLibraryShare -LibraryShare $LibraryShare
        $iso = Resolve-CapsIso -Library $library -FileName $FileName
        if ($present -ne '') { $null = Set-SCVirtualDVDDrive -VirtualDVDDrive $drives[0] -NoMedia }
        $null = Set-SCVirtualDVDDrive -VirtualDVDDrive $drives[0] -ISO $iso
      }
    }
    $vm = Resolve-CapsVirtualMachine -Id $Id
    ConvertTo-Json -InputObject (ConvertTo-CapsVirtualMachine -VirtualMachine $vm) -Compress -Depth 6
  } catch {
    $failure = Select-CapsFailure -Id $Id -ErrorRecord $_
    $PSCmdlet.ThrowTerminatingError($failure)
  }
}
