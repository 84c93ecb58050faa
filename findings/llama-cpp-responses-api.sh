#!/usr/bin/env bash
# xllamacpp 2026.10.11549 (llama.cpp's own server as a library): its Responses API gives an answer that max_output_tokens has
# cut the status "completed" and no incomplete_details, where OpenAI says "incomplete" and its Chat Completions API says
# "length": a client that trusts the status takes half an answer for a whole one. And it ignores text.format, so that a
# JSON schema that its Chat Completions API holds the model to has no effect, without an error.
# The model is made here: it says "a" for ever, unless a grammar wants something else.
# Exit 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet xllamacpp==2026.10.11549 gguf==0.17.1 >/dev/null

cat >main.py <<'PY'
import json
import urllib.error
import urllib.request

import gguf
import numpy as np
import xllamacpp


def write_model(path):
    """A language model of one layer that says "a" for ever, unless a grammar wants something else."""
    texts = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["\u2581"]
    width = 32
    zeros = lambda *shape: np.zeros(shape, dtype=np.float32)
    ones = lambda *shape: np.ones(shape, dtype=np.float32)
    logits = zeros(len(texts), width)
    for rank, letter in enumerate("a{}\"trueoklp:,[]"):
        logits[3 + ord(letter)] = 1 - rank / 100
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(width)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(texts))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(texts)
    writer.add_token_scores([0.0] * len(texts))
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1])
    writer.add_add_space_prefix(False)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_tensor("token_embd.weight", ones(len(texts), width))
    writer.add_tensor("output_norm.weight", ones(width))
    writer.add_tensor("output.weight", logits)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", ones(width))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros(width, width))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

write_model("model.gguf")
params = xllamacpp.CommonParams()
params.model.path = "model.gguf"
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = 2048
params.n_parallel = 1
params.use_jinja = True
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)


def ask(path, body):
    address = f"{server.listening_address}/v1/{path}"
    data = json.dumps({"model": "m", "temperature": 0, **body}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, {"content-type": "application/json"})) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        return json.load(error)


schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
format = {"name": "x", "strict": True, "schema": schema}
messages = [{"role": "user", "content": "hi"}]

chat = ask("chat/completions", {"messages": messages, "max_tokens": 5})["choices"][0]
print("> cut, chat completions:", chat["message"]["content"], chat["finish_reason"])
answer = ask("responses", {"input": "hi", "max_output_tokens": 5})
print("> cut, responses:", answer["output"][0]["content"][0]["text"], answer["status"], answer.get("incomplete_details"))
chat = ask(
    "chat/completions",
    {"messages": messages, "max_tokens": 30, "response_format": {"type": "json_schema", "json_schema": format}},
)
print("> schema, chat completions:", chat["choices"][0]["message"]["content"])
answer = ask("responses", {"input": "hi", "max_output_tokens": 30, "text": {"format": {"type": "json_schema", **format}}})
print("> schema, responses:", answer["output"][0]["content"][0]["text"])
PY
python/bin/python main.py 2>log | grep '^> ' | tee output || cat log
expected='> cut, chat completions: aaaaa length
> cut, responses: aaaaa completed None
> schema, chat completions: {"ok":true}
> schema, responses: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
[ "$(cat output)" = "$expected" ] || { echo 'changed'; exit 1; }
