# Intune, Remediations, remediation script: starts the agent's service again. Never run by Intune.
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

Restart-Service -Name 'tlsight-agent' -Force
$service = Get-Service -Name 'tlsight-agent'
Write-Output "the agent's service is $($service.Status)"
if ($service.Status -ne 'Running') {
    exit 1
}
exit 0
