# The one object of this name or id. Throws ReferenceNotFound, ReferenceAmbiguous; Field is the path in ScvmmMachine.spec.
function Select-CapsReference {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [AllowEmptyCollection()] [AllowNull()] [object[]] $InputObject,
    [Parameter(Mandatory)] [string] $Field,
    [Parameter(Mandatory)] [AllowEmptyString()] [string] $Value
  )
  $found = @(
    $InputObject |
      Where-Object -FilterScript { $null -ne $_ -and ($_.Name -eq $Value -or $_.ID.ToString() -eq $Value) } |
      Sort-Object -Property 'ID' -Unique
  )
  if ($found.Count -eq 0) {
    $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'ReferenceNotFound' -Category 'ObjectNotFound' `
          -Message "$($Field): VMM has no '$Value'" -Target @{ Field = $Field; Value = $Value; Candidates = @() }))
  }
  if ($found.Count -gt 1) {
    $candidates = @(
      foreach ($candidate in $found) {
        # VM networks of one name differ by their logical network.
        $logical = Get-CapsProperty -InputObject $candidate -Name 'LogicalNetwork'
        $where = [string](Get-CapsProperty -InputObject $logical -Name 'Name')
        if ($where -ne '') { $where = "$where, " }
        "$($candidate.Name) ($where$($candidate.ID))"
      }
    )
    $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'ReferenceAmbiguous' -Category 'InvalidArgument' `
          -Message "$($Field): VMM has several '$Value'" -Target @{ Field = $Field; Value = $Value; Candidates = $candidates }))
  }
  return $found[0]
}
