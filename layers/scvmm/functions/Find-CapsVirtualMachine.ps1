# Every VM of this name, which is not unique, and the jobs under way that create one of it.
function Find-CapsVirtualMachine {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $Name)
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $document = [pscustomobject][ordered]@{
      VirtualMachines = @(
        foreach ($vm in @(Get-SCVirtualMachine -Name $Name)) {
          if ($null -ne $vm -and $vm.Name -eq $Name) { ConvertTo-CapsVirtualMachine -VirtualMachine $vm }
        }
      )
      CreationJobs = @(
        foreach ($job in @(Get-SCJob -Running)) {
          if ((Get-CapsProperty -InputObject $job -Name 'CmdletName') -eq 'New-SCVirtualMachine' -and
            (Get-CapsProperty -InputObject $job -Name 'ResultName') -eq $Name) {
            ConvertTo-CapsJob -Job $job
          }
        }
      )
    }
    ConvertTo-Json -InputObject $document -Compress -Depth 6
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
