# Removes what attempts for a machine left in VMM: temporary template, library media named by its UID.
function Remove-CapsLeftover {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [string] $MachineUid,
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $LibraryShare
  )
  Set-StrictMode -Version 'Latest'
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  try {
    $uid = ([guid]$MachineUid).ToString()
    $removed = [System.Collections.Generic.List[string]]::new()
    $remaining = [System.Collections.Generic.List[string]]::new()

    $templates = Remove-CapsTemporaryTemplate -MachineUid $uid
    foreach ($name in $templates.Removed) { $removed.Add($name) }
    foreach ($name in $templates.Remaining) { $remaining.Add($name) }

    $library = $null
    try {
      $library = Resolve-CapsLibraryShare -LibraryShare $LibraryShare
    } catch {
      # No such share, so nothing of ours in it.
      if ($_.FullyQualifiedErrorId -notlike 'LibraryShareNotFound*') { throw }
    }
    if ($null -ne $library) {
      foreach ($iso in @(Get-SCISO)) {
        if ($null -eq $iso -or (Get-CapsProperty -InputObject $iso -Name 'MarkedForDeletion')) { continue }
        $path = [string]$iso.SharePath
        if (-not $path.StartsWith("$($library.Path)\", [System.StringComparison]::OrdinalIgnoreCase)) { continue }
        if ([System.IO.Path]::GetFileName($path).IndexOf($uid, [System.StringComparison]::OrdinalIgnoreCase) -lt 0) { continue }
        try {
          $null = Remove-SCISO -ISO $iso -Force -Confirm:$false
          $removed.Add($path)
        } catch {
          $remaining.Add($path)
        }
      }
    }
    $document = [pscustomobject][ordered]@{ Removed = @($removed); Remaining = @($remaining) }
    ConvertTo-Json -InputObject $document -Compress -Depth 2
  } catch {
    $PSCmdlet.ThrowTerminatingError($_)
  }
}
