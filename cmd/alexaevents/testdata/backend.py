"""A smart home backend that knows nothing of alexaevents: it takes an AcceptGrant
directive, exchanges the code, and reports a change at GET /press. It prints the skill
events that it gets, and checks no signature."""
import json, sys, time, urllib.parse, urllib.request, uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

tokens = {}

def post(url, data, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as response:
        return response.status, response.read()

class Backend(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        if 'request' in body:
            print(body['request']['type'], flush=True)
            return self.reply({})
        directive = body['directive']
        form = {'grant_type': 'authorization_code', 'code': directive['payload']['grant']['code'], 'client_id': 'id', 'client_secret': 'secret'}
        tokens.update(json.loads(post('https://api.amazon.com/auth/o2/token', urllib.parse.urlencode(form).encode())[1]))
        self.reply({'event': {'header': {'namespace': 'Alexa.Authorization', 'name': 'AcceptGrant.Response', 'messageId': str(uuid.uuid4()), 'payloadVersion': '3'}, 'payload': {}}})

    def do_GET(self):
        token = tokens['access_token']
        event = {'event': {
            'header': {'namespace': 'Alexa', 'name': 'ChangeReport', 'messageId': str(uuid.uuid4()), 'payloadVersion': '3'},
            'endpoint': {'scope': {'type': 'BearerToken', 'token': token}, 'endpointId': 'lamp-1'},
            'payload': {'change': {'cause': {'type': 'PHYSICAL_INTERACTION'}, 'properties': [{
                'namespace': 'Alexa.PowerController', 'name': 'powerState', 'value': 'ON',
                'timeOfSample': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'uncertaintyInMilliseconds': 0}]}}}}
        status, _ = post('https://api.amazonalexa.com/v3/events', json.dumps(event).encode(), **{'Content-Type': 'application/json', 'Authorization': 'Bearer ' + token})
        self.reply({'gateway': status})

    def reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = HTTPServer(('127.0.0.1', int(sys.argv[1])), Backend)
print(server.server_port, flush=True)
server.serve_forever()
