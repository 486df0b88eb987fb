# Intune, Win32 app, install command:
#   powershell.exe -NoProfile -ExecutionPolicy Bypass -File install.ps1
# The package's folder holds this file, tlsight.exe (PyInstaller on Windows), install-service.ps1 (tlsight agent service
# windows) and, where you have settings, agent.toml. Install behaviour: System. Never run by Intune.
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$name = 'tlsight-agent'
$program = Join-Path $env:ProgramFiles 'tlsight'
$state = Join-Path $env:ProgramData 'tlsight'

if (Get-Service -Name $name -ErrorAction SilentlyContinue) {
    Stop-Service -Name $name -Force
}
New-Item -ItemType Directory -Force -Path $program, $state | Out-Null
Copy-Item -LiteralPath (Join-Path $PSScriptRoot 'tlsight.exe') -Destination $program -Force
& (Join-Path $PSScriptRoot 'install-service.ps1') -Program (Join-Path $program 'tlsight.exe')
Set-Content -LiteralPath (Join-Path $program 'version.txt') -Value '@VERSION@' -Encoding ascii

# Settings that came with the package replace those of the package before, as the management says.
$settings = Join-Path $PSScriptRoot 'agent.toml'
if (Test-Path -LiteralPath $settings) {
    Copy-Item -LiteralPath $settings -Destination $program -Force
    New-ItemProperty -Path "HKLM:\SYSTEM\CurrentControlSet\Services\$name" -Name Environment -PropertyType MultiString `
        -Value @("STATE_DIRECTORY=$state", "XDG_CONFIG_HOME=$env:ProgramFiles") -Force | Out-Null
    Restart-Service -Name $name
}
exit 0
