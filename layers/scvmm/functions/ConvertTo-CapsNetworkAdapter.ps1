# A virtual network adapter as schemas/vmm/VirtualMachine.ts describes it.
function ConvertTo-CapsNetworkAdapter {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [object] $Adapter)
  $document = [ordered]@{
    SlotId = [int](Get-CapsProperty -InputObject $Adapter -Name 'SlotId')
    Name = [string](Get-CapsProperty -InputObject $Adapter -Name 'Name')
    IPv4Addresses = @(
      foreach ($address in @(Get-CapsProperty -InputObject $Adapter -Name 'IPv4Addresses')) {
        if ($null -ne $address -and [string]$address -ne '') { [string]$address }
      }
    )
    IPv6Addresses = @(
      foreach ($address in @(Get-CapsProperty -InputObject $Adapter -Name 'IPv6Addresses')) {
        if ($null -ne $address -and [string]$address -ne '') { [string]$address }
      }
    )
  }
  $mac = [string](Get-CapsProperty -InputObject $Adapter -Name 'MACAddress')
  if ($mac -ne '') { $document['MACAddress'] = $mac }
  $network = Get-CapsProperty -InputObject $Adapter -Name 'VMNetwork'
  $networkName = [string](Get-CapsProperty -InputObject $network -Name 'Name')
  if ($networkName -ne '') { $document['VMNetwork'] = $networkName }
  return [pscustomobject]$document
}
