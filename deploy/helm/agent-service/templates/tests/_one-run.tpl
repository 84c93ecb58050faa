{{- define "agent-service.oneRun" -}}
// Asks the service for one run, as a client does, and ends with 0 if it was answered.
const { SERVICE_URL, ADMIN_API_KEY, MESSAGE } = process.env;
const headers = { 'content-type': 'application/json' };
if (ADMIN_API_KEY) headers.authorization = `Bearer ${ADMIN_API_KEY}`;
const response = await fetch(`${SERVICE_URL}/api/v1/run`, {
  method: 'POST',
  headers,
  body: JSON.stringify({ message: MESSAGE }),
});
const body = await response.text();
process.stdout.write(`${response.status} ${body}\n`);
process.exitCode = response.status === 200 && JSON.parse(body).status === 'completed' ? 0 : 1;
{{- end -}}
