"""A small server that speaks Home Assistant's REST API as its documentation has it: states, services, a bearer token."""

import http.server
import json
import threading

TOKEN = "a-long-lived-access-token"


class House:
    """Its devices can be looked at in `states`; `calls` are the services that were called. Used by `with`."""

    def __init__(self):
        self.states = {
            "light.kitchen": ["off", {"friendly_name": "Kitchen Light"}],
            "light.hall": ["on", {"friendly_name": "Hallway Light"}],
            "switch.coffee": ["off", {"friendly_name": "Coffee Machine"}],
            "binary_sensor.garage": ["open", {"friendly_name": "Garage Door"}],
        }
        self.calls, self.slow = [], threading.Event()
        self.slow.set()

    def __enter__(self):
        house = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def admitted(self):
                if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                    return True
                self.answer(401, {"message": "Unauthorized"})
                return False

            def do_GET(self):
                house.slow.wait(30)
                if not self.admitted():
                    return
                if self.path != "/api/states":
                    return self.answer(404, {"message": "Not found"})
                self.answer(200, [{"entity_id": name, "state": state, "attributes": attributes}
                                  for name, (state, attributes) in house.states.items()])

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not self.admitted():
                    return
                _, _, _, domain, service = self.path.split("/")
                house.calls.append((f"{domain}.{service}", body))
                for name in body.get("entity_id", []):
                    if service in ("turn_on", "turn_off"):
                        house.states[name][0] = service.removeprefix("turn_")
                self.answer(200, [])

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.slow.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def settings(self):
        return {"MORGAN_TOOLS_HOME_ASSISTANT_URL": f"http://127.0.0.1:{self.server.server_port}",
                "MORGAN_TOOLS_HOME_ASSISTANT_TOKEN": TOKEN}
