# Several VMs, by id or by text in the description: pages of at most 200, one at least.
function Get-CapsVirtualMachineList {
  [CmdletBinding()]
  param(
    [AllowEmptyCollection()] [string[]] $Ids,
    [string] $MarkerText
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $found = [System.Collections.Generic.List[object]]::new()
    $missing = [System.Collections.Generic.List[string]]::new()
    if ($PSBoundParameters.ContainsKey('Ids')) {
      foreach ($id in @($Ids)) {
        $vm = Select-CapsVirtualMachine -Id $id
        if ($null -eq $vm) { $missing.Add($id) } else { $found.Add($vm) }
      }
    } elseif ($PSBoundParameters.ContainsKey('MarkerText')) {
      foreach ($vm in @(Get-SCVirtualMachine -All)) {
        if ($null -ne $vm -and ([string]$vm.Description).Contains($MarkerText)) { $found.Add($vm) }
      }
    }
    $from = 0
    do {
      $until = [System.Math]::Min($from + 200, $found.Count)
      $page = [pscustomobject][ordered]@{
        VirtualMachines = @(
          for ($index = $from; $index -lt $until; $index++) {
            ConvertTo-CapsVirtualMachine -VirtualMachine $found[$index]
          }
        )
        Missing = @(if ($from -eq 0) { $missing })
      }
      ConvertTo-Json -InputObject $page -Compress -Depth 6
      $from = $until
    } while ($from -lt $found.Count)
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
