# The one VM network of this name or id on one of these logical networks: names repeat from one logical network to another.
function Select-CapsNetwork {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $Name,
    [Parameter(Mandatory)] [string] $Field,
    [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $LogicalNetworks
  )
  $guid = [guid]::Empty
  $isId = [guid]::TryParse($Name, [ref]$guid)
  $found = @(
    foreach ($logical in $LogicalNetworks) {
      if ($isId) {
        Get-SCVMNetwork -LogicalNetwork $logical
      } elseif ($Name -ne '') {
        Get-SCVMNetwork -Name $Name -LogicalNetwork $logical
      }
    }
  )
  return Select-CapsReference -InputObject $found -Field $Field -Value $Name
}
