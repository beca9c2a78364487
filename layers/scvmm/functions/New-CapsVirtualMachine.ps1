# Creates one VM: every reference is resolved, then disks, template, adapters and placement are prepared in one job group,
# then name and marker are looked up once more and the VM is committed as a job, all under a mutex of the machine's UID.
function New-CapsVirtualMachine {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [string] $Marker,
    [Parameter(Mandatory)] [string] $MachineUid,
    [Parameter(Mandatory)] [int] $CommitWithinSeconds,
    [string] $Description = '',
    [string] $Cloud = '',
    [string] $HostGroup = '',
    [string] $VMTemplate = '',
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $HardwareProfile,
    [string] $OperatingSystem = '',
    [Parameter(Mandatory)] [int] $CPUCount,
    [int] $MemoryMB,
    [int] $DynamicMemoryMinimumMB,
    [int] $DynamicMemoryMaximumMB,
    [int] $DynamicMemoryBufferPercentage,
    [Parameter(Mandatory)] [AllowEmptyCollection()] [hashtable[]] $Disks,
    [Parameter(Mandatory)] [AllowEmptyCollection()] [hashtable[]] $NetworkDevices,
    [Parameter(Mandatory)] [AllowEmptyCollection()] [hashtable[]] $FibreChannel,
    [string] $AvailabilitySet = '',
    [hashtable] $VMOptions = @{}
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  $clock = [System.Diagnostics.Stopwatch]::StartNew()
  $mutex = $null
  $held = $false
  $temporary = $false
  $configuration = $null
  $committing = $false
  try {
    $uid = ([guid]$MachineUid).ToString()
    Assert-CapsNotCreated -Name $Name -Marker $Marker

    $cloudObject = $null
    if ($Cloud -ne '') { $cloudObject = Select-CapsReference -InputObject @(Get-SCCloud) -Field 'cloud' -Value $Cloud }
    $groupObject = $null
    if ($HostGroup -ne '') { $groupObject = Resolve-CapsHostGroup -Name $HostGroup }
    if ($null -eq $cloudObject -and $null -eq $groupObject) {
      $null = Select-CapsReference -InputObject @() -Field 'hostGroup' -Value ''
    }
    $drives = @(
      for ($index = 0; $index -lt $Disks.Count; $index++) {
        @{ Index = $index; Disk = Resolve-CapsDisk -Disk $Disks[$index] -Index $index }
      }
    )
    $template = $null
    $hardware = $null
    $system = $null
    if ($VMTemplate -ne '') {
      $template = Select-CapsReference -InputObject @(Get-SCVMTemplate) -Field 'vmTemplate' -Value $VMTemplate
      $generation = [int]$template.Generation
      $shape = $template
    } else {
      $hardware = Select-CapsReference -InputObject @(Get-SCHardwareProfile) -Field 'hardwareProfile' -Value $HardwareProfile
      $generation = [int]$hardware.Generation
      $shape = $hardware
      $system = Resolve-CapsOperatingSystem -Name $OperatingSystem -Disks @(foreach ($drive in $drives) { $drive['Disk'] })
    }
    $logicals = @()
    if ($NetworkDevices.Count -gt 0) {
      $logicals = @(Get-CapsLogicalNetwork -HostGroup $groupObject -Cloud $cloudObject)
    }
    $adapters = @(
      for ($index = 0; $index -lt $NetworkDevices.Count; $index++) {
        Resolve-CapsNetworkDevice -Device $NetworkDevices[$index] -Index $index -LogicalNetworks $logicals
      }
    )
    $channels = @(
      for ($index = 0; $index -lt $FibreChannel.Count; $index++) {
        Resolve-CapsFibreChannel -Adapter $FibreChannel[$index] -Index $index
      }
    )
    $slots = @(
      Get-CapsProperty -InputObject $shape -Name 'VirtualNetworkAdapters' | Where-Object -FilterScript { $null -ne $_ }
    ).Count

    Write-CapsProgress -Activity 'New-CapsVirtualMachine' -PercentComplete 25
    # One attempt at a time on this host, and none that waited longer than it may.
    $mutex = [System.Threading.Mutex]::new($false, "Global\caps-$uid")
    $patience = [System.Math]::Max(0, $CommitWithinSeconds - $clock.Elapsed.TotalSeconds)
    try {
      $held = $mutex.WaitOne([timespan]::FromSeconds($patience))
    } catch [System.Threading.AbandonedMutexException] {
      # Its last holder died; the mutex is ours.
      $held = $true
    }
    if (-not $held) {
      $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'CommitWindowElapsed' -Category 'OperationTimeout' `
            -Message "another attempt for machine $uid held this host for $CommitWithinSeconds s"))
    }
    Assert-CapsNotCreated -Name $Name -Marker $Marker

    $jobGroup = [guid]::NewGuid()
    # Disks before the template, which takes them from the job group.
    foreach ($drive in $drives) {
      if ($null -eq $drive['Disk']) { continue }
      Add-CapsDisk -Disk $drive['Disk'] -Index $drive['Index'] -Generation $generation -Name $Name -JobGroup $jobGroup
    }
    if ($null -eq $template) {
      $null = Remove-CapsTemporaryTemplate -MachineUid $uid
      $temporary = $true
      $template = New-SCVMTemplate -Name "Temporary Template $uid" -Generation $generation -HardwareProfile $hardware `
        -JobGroup $jobGroup -OperatingSystem $system -NoCustomization
    }
    for ($index = 0; $index -lt $adapters.Count; $index++) {
      $adapterArguments = $adapters[$index]
      if ($index -lt $slots) {
        $null = Set-SCVirtualNetworkAdapter -JobGroup $jobGroup -SlotID $index @adapterArguments
      } else {
        $null = New-SCVirtualNetworkAdapter -JobGroup $jobGroup -Synthetic @adapterArguments
      }
    }
    foreach ($channel in $channels) { Add-CapsFibreChannel -Adapter $channel -JobGroup $jobGroup }

    Write-CapsProgress -Activity 'New-CapsVirtualMachine' -PercentComplete 50
    $placement = if ($null -ne $groupObject) { @{ VMHostGroup = $groupObject } } else { @{ Cloud = $cloudObject } }
    if ($AvailabilitySet -ne '') {
      $placement['AvailabilitySetNames'] = [System.Collections.Generic.List[string]]@($AvailabilitySet)
    }
    $configuration = New-SCVMConfiguration -VMTemplate $template -Name $Name @placement
    $null = Update-SCVMConfiguration -VMConfiguration $configuration
    Write-CapsProgress -Activity 'New-CapsVirtualMachine' -PercentComplete 75

    $commit = @{
      Name = $Name
      VMConfiguration = $configuration
      Description = (@($Description, $Marker) | Where-Object -FilterScript { $_ -ne '' }) -join "`n"
      CPUCount = [byte]$CPUCount
      DynamicMemoryEnabled = $false
      JobGroup = $jobGroup
      RunAsynchronously = $true
    }
    if ($null -ne $cloudObject) { $commit['Cloud'] = $cloudObject }
    if ($PSBoundParameters.ContainsKey('MemoryMB')) { $commit['MemoryMB'] = $MemoryMB }
    if ($PSBoundParameters.ContainsKey('DynamicMemoryMinimumMB')) {
      $commit['DynamicMemoryEnabled'] = $true
      $commit['DynamicMemoryMinimumMB'] = $DynamicMemoryMinimumMB
      if (-not $PSBoundParameters.ContainsKey('MemoryMB')) { $commit['MemoryMB'] = $DynamicMemoryMinimumMB }
    }
    if ($PSBoundParameters.ContainsKey('DynamicMemoryMaximumMB')) {
      $commit['DynamicMemoryEnabled'] = $true
      $commit['DynamicMemoryMaximumMB'] = $DynamicMemoryMaximumMB
    }
    if ($PSBoundParameters.ContainsKey('DynamicMemoryBufferPercentage')) {
      $commit['DynamicMemoryBufferPercentage'] = $DynamicMemoryBufferPercentage
    }
    if ($VMOptions.ContainsKey('StartAction')) { $commit['StartAction'] = $VMOptions['StartAction'] }
    if ($VMOptions.ContainsKey('StopAction')) { $commit['StopAction'] = $VMOptions['StopAction'] }
    if ($VMOptions.ContainsKey('CPULimitForMigration')) { $commit['CPULimitForMigration'] = $VMOptions['CPULimitForMigration'] }
    if ($VMOptions.ContainsKey('CPULimitFunctionality')) { $commit['CPULimitFunctionality'] = $VMOptions['CPULimitFunctionality'] }
    if ($VMOptions.ContainsKey('CheckpointType')) { $commit['CheckpointType'] = $VMOptions['CheckpointType'] }
    if ($VMOptions.ContainsKey('EnableNestedVirtualization')) {
      # VMM 2016 does not know it.
      if ((Get-Command -Name 'New-SCVirtualMachine').Parameters.ContainsKey('EnableNestedVirtualization')) {
        $commit['EnableNestedVirtualization'] = $VMOptions['EnableNestedVirtualization']
      } elseif ($VMOptions['EnableNestedVirtualization']) {
        Write-Warning -Message "this version of VMM cannot enable nested virtualization for '$Name'"
      }
    }

    # The last thing before the commit: a pipeline outlives the client that sent it.
    Assert-CapsNotCreated -Name $Name -Marker $Marker
    if ($clock.Elapsed.TotalSeconds -gt $CommitWithinSeconds) {
      $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'CommitWindowElapsed' -Category 'OperationTimeout' `
            -Message "preparing '$Name' took $([int]$clock.Elapsed.TotalSeconds) s of $CommitWithinSeconds s allowed"))
    }
    $committing = $true
    $created = @(New-SCVirtualMachine @commit)[0]
    # As VMM stored it. Not to have it answered is no failure: the VM is there.
    $stored = Get-SCVirtualMachine -ID $created.ID -ErrorAction 'SilentlyContinue'
    if ($null -ne $stored) { $created = $stored }
    ConvertTo-Json -InputObject (ConvertTo-CapsVirtualMachine -VirtualMachine $created) -Compress -Depth 6
  } catch {
    $failure = $_
    if (-not $committing) {
      try {
        if ($null -ne $configuration) { $null = Remove-SCVMConfiguration -VMConfiguration $configuration -Confirm:$false }
        if ($temporary) { $null = Remove-CapsTemporaryTemplate -MachineUid $uid }
      } catch {
        Write-Warning -Message "what was prepared for '$Name' stays behind: $($_.Exception.Message)"
      }
    }
    $PSCmdlet.ThrowTerminatingError($failure)
  } finally {
    if ($null -ne $mutex) {
      if ($held) { $mutex.ReleaseMutex() }
      $mutex.Dispose()
    }
  }
}
