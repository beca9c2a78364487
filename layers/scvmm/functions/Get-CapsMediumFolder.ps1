# Where media pass through this host: below the account's own temporary folder, each import in a folder of its own.
function Get-CapsMediumFolder {
  [CmdletBinding()]
  param()
  return [System.IO.Path]::Combine([System.IO.Path]::GetTempPath(), 'capscvmm')
}
