# Intune, Remediations, detection script: exit code 1 where the agent does not run or does not answer for itself.
# Run it in the 64-bit PowerShell, as the system. Never run by Intune.
Set-StrictMode -Version 3.0

$service = Get-Service -Name 'tlsight-agent' -ErrorAction SilentlyContinue
if ($null -eq $service) {
    Write-Output 'the agent is not installed'
    exit 1
}
if ($service.Status -ne 'Running') {
    Write-Output "the agent's service is $($service.Status)"
    exit 1
}
$env:STATE_DIRECTORY = Join-Path $env:ProgramData 'tlsight'
$said = & (Join-Path $env:ProgramFiles 'tlsight\tlsight.exe') agent status 2>&1
$code = $LASTEXITCODE
Write-Output ($said | Select-Object -First 1)
# 1 is a finding, which its sinks tell; only what cannot be done is to be repaired.
if ($code -in 2, 4) {
    exit 1
}
exit 0
