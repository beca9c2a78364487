# The path of a medium in the account's own temporary folder, which is made when it is absent.
function Resolve-CapsMediumPath {
  [CmdletBinding()]
  param([Parameter(Mandatory)] [string] $FileName)
  if ([System.IO.Path]::GetFileName($FileName) -ne $FileName) {
    $PSCmdlet.ThrowTerminatingError((New-CapsErrorRecord -ErrorId 'MediumCorrupt' -Category 'InvalidArgument' `
          -Message "'$FileName' is not a plain file name" -Target @{ FileName = $FileName }))
  }
  $folder = [System.IO.Path]::Combine([System.IO.Path]::GetTempPath(), 'capscvmm')
  $null = [System.IO.Directory]::CreateDirectory($folder)
  return [System.IO.Path]::Combine($folder, $FileName)
}
