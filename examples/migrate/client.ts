type Run = {
  run_id: string;
  status: string;
  response: string | null;
  required_action: { items: { call_id: string; tool: string; arguments: unknown }[] } | null;
};

const service = process.argv[2] ?? 'http://localhost:8000';

async function ask(path: string, body?: object): Promise<Run> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${service}/api/v1${path}`, body === undefined ? {} : init);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Run;
}

let run = await ask('/run', { message: 'Refund order 7.', session_id: 'ada', metadata: { name: 'Ada' } });
while (run.status === 'requires_action') {
  const calls = run.required_action?.items ?? []; // where a person is asked, now or in three days
  await ask(`/runs/${run.run_id}/decisions`, {
    decisions: calls.map(({ call_id }) => ({ call_id, decision: 'approve' })),
  });
  await (await fetch(`${service}/api/v1/runs/${run.run_id}/events`)).text(); // ends with the run, or with its next question
  run = await ask(`/runs/${run.run_id}`);
}
process.stdout.write(`${run.response}\n`);
