# The library's ISO of this file name; the folder is refreshed when the library does not show it yet. Throws MediumNotFound.
function Resolve-CapsIso {
  [CmdletBinding()]
  param(
    [Parameter(Mandatory)] [object] $Library,
    [Parameter(Mandatory)] [string] $FileName
  )
  $sharePath = "$($Library.Path)\$FileName"
  $iso = Select-CapsIso -SharePath $sharePath
  if ($null -eq $iso) {
    $refresh = @{ LibraryShare = $Library.Share }
    if ($Library.Folder -ne '') { $refresh['Path'] = $Library.Folder }
    $null = Read-SCLibraryShare @refresh
    $iso = Select-CapsIso -SharePath $sharePath
  }
  if ($null -eq $iso) {
    $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'MediumNotFound' -Category 'ObjectNotFound' `
          -Message "the library does not show '$sharePath'" -Target @{ SharePath = $sharePath }))
  }
  return $iso
}
