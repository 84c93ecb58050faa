"""Serves a GGUF file by the server of llama.cpp that the package xllamacpp has in it."""
import sys
import threading

import xllamacpp

template, stop, key, context, predict = sys.argv[1:6]
params = xllamacpp.CommonParams()
params.model.path = "model.gguf"
params.hostnames = ["127.0.0.1"]
params.port = 0
params.api_keys = [key]
params.n_ctx = int(context)
params.n_predict = int(predict)
params.n_parallel = 1
params.use_jinja = True
with open(template, encoding="utf-8") as file:
    params.chat_template = file.read()
params.antiprompt = [stop]
params.sampling.temp = 0
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
print("ready at", server.listening_address, flush=True)
threading.Event().wait()
