# Intune, Win32 app, uninstall command:
#   powershell.exe -NoProfile -ExecutionPolicy Bypass -File uninstall.ps1 [-Purge]
# -Purge removes what the agent kept as well: it comes back as another device then. Never run by Intune.
[CmdletBinding()]
param(
    [switch] $Purge
)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$name = 'tlsight-agent'
if (Get-Service -Name $name -ErrorAction SilentlyContinue) {
    Stop-Service -Name $name -Force
    & sc.exe delete $name | Out-Null
}
Remove-Item -LiteralPath (Join-Path $env:ProgramFiles 'tlsight') -Recurse -Force -ErrorAction SilentlyContinue
if ($Purge) {
    Remove-Item -LiteralPath (Join-Path $env:ProgramData 'tlsight') -Recurse -Force -ErrorAction SilentlyContinue
}
exit 0
