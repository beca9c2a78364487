# Removes the temporary template of a machine; answers what was removed and what VMM still holds.
function Remove-CapsTemporaryTemplate {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $MachineUid)
  $removed = [System.Collections.Generic.List[string]]::new()
  $remaining = [System.Collections.Generic.List[string]]::new()
  foreach ($template in @(Get-SCVMTemplate -Name "Temporary Template $MachineUid")) {
    if ($null -eq $template -or $template.Name -ne "Temporary Template $MachineUid") { continue }
    try {
      $null = Remove-SCVMTemplate -VMTemplate $template -Force -Confirm:$false
      $removed.Add($template.Name)
    } catch {
      # Locked while the creation job reads it: a later call removes it.
      $remaining.Add($template.Name)
    }
  }
  return [pscustomobject]@{ Removed = @($removed); Remaining = @($remaining) }
}
