# The library share of a UNC path, or the first writable share for a path below it. Throws LibraryShareNotFound.
function Resolve-CapsLibraryShare {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [AllowEmptyString()] [string] $LibraryShare)
  $wanted = $LibraryShare.TrimEnd('\')
  $shares = @(
    Get-SCLibraryShare |
      Where-Object -FilterScript {
        $null -ne $_ -and -not (Get-CapsProperty -InputObject $_ -Name 'MarkedForDeletion') -and
        -not (Get-CapsProperty -InputObject $_ -Name 'IsViewOnly')
      } |
      Sort-Object -Property 'Path'
  )
  foreach ($share in $shares) {
    $root = ([string]$share.Path).TrimEnd('\')
    if (-not $wanted.StartsWith('\\')) {
      $below = $wanted.TrimStart('\')
      return [pscustomobject]@{ Share = $share; Folder = $below; Path = if ($below -eq '') { $root } else { "$root\$below" } }
    }
    if ($wanted -eq $root -or $wanted.StartsWith("$root\", [System.StringComparison]::OrdinalIgnoreCase)) {
      return [pscustomobject]@{ Share = $share; Folder = $wanted.Substring($root.Length).TrimStart('\'); Path = $wanted }
    }
  }
  $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'LibraryShareNotFound' -Category 'ObjectNotFound' `
        -Message "VMM has no writable library share for '$LibraryShare'" -Target @{ LibraryShare = $LibraryShare }))
}
