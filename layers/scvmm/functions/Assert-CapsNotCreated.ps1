# Throws VirtualMachineExists when a VM of this name carries this machine's marker.
function Assert-CapsNotCreated {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $Name,
    [Parameter(Mandatory)] [string] $Marker
  )
  $ids = @(
    foreach ($vm in @(Get-SCVirtualMachine -Name $Name)) {
      if ($null -ne $vm -and (Test-CapsMarker -VirtualMachine $vm -Marker $Marker)) { $vm.ID.ToString() }
    }
  )
  if ($ids.Count -gt 0) {
    $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'VirtualMachineExists' -Category 'ResourceExists' `
          -Message "a virtual machine '$Name' with this machine's marker exists: $($ids -join ', ')" -Target @{ Ids = $ids }))
  }
}
