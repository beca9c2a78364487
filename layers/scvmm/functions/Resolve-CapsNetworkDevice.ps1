# A network device of the spec as arguments for a virtual network adapter.
function Resolve-CapsNetworkDevice {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [hashtable] $Device,
    [Parameter(Mandatory)] [int] $Index,
    [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $LogicalNetworks
  )
  $field = "networking.devices[$Index]"
  $network = Select-CapsNetwork -Name $Device['VMNetwork'] -Field "$field.vmNetwork" -LogicalNetworks $LogicalNetworks
  $arguments = @{ VMNetwork = $network }
  $subnetName = [string]$Device['VMSubnet']
  if ($subnetName -ne '') {
    $arguments['VMSubnet'] = Select-CapsReference -InputObject @(Get-SCVMSubnet -VMNetwork $network) `
      -Field "$field.vmSubnet" -Value $subnetName
  } else {
    # One object or a list, by version.
    $subnets = @(Get-CapsProperty -InputObject $network -Name 'VMSubnet' | Where-Object -FilterScript { $null -ne $_ })
    if ($subnets.Count -gt 0) { $arguments['VMSubnet'] = $subnets[0] }
  }
  $mac = [string]$Device['MACAddress']
  if ($mac -ne '') {
    $arguments['MACAddressType'] = 'Static'
    $arguments['MACAddress'] = $mac
  }
  if ($Device.ContainsKey('VLanID')) {
    $arguments['VLanEnabled'] = $true
    $arguments['VLanID'] = [uint16]$Device['VLanID']
  }
  return $arguments
}
