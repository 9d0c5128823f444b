"""The backend of a skill with lamps, which knows nothing of alexaevents. It has the URLs
of examples/quickstart/backend, keeps everything in memory, and takes an access token
"customer@account" for one of the account. It does not check the chain of certificates.

    python3 lamps.py PORT"""
import base64, hashlib, json, queue, re, ssl, sys, threading, time, urllib.error, urllib.parse, urllib.request, uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SKILL = 'amzn1.ask.skill.example'
GATEWAYS = {'NA': 'https://api.amazonalexa.com', 'EU': 'https://api.eu.amazonalexa.com', 'FE': 'https://api.fe.amazonalexa.com'}
TOPIC = 'arn:aws:sns:us-east-1:000011112222:skills'

accounts = {}  # account by user ID
grants = {}    # {access token, refresh token, its end, region} by customer and account
news = {}      # notifications by request ID
reports = queue.Queue()
lock = threading.RLock()


def account_of(token):
    return token.split('@')[1]


def post(url, data, **headers):
    """Returns status, headers and body, also of an error."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=5) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


# Signatures

def check_signature(url, text, signature, digest):
    """Raises ValueError if the certificate's key did not sign the text, and OSError if
    there is no certificate."""
    with urllib.request.urlopen(url, timeout=5) as response:
        pem = response.read().decode().split('-----END CERTIFICATE-----')[0] + '-----END CERTIFICATE-----'
    der = ssl.PEM_cert_to_DER_cert(pem)
    start = der.index(bytes.fromhex('2a864886f70d0101010500')) + 24  # after the OID of RSA and the headers of its key
    size = int.from_bytes(der[start - 2:start], 'big')
    modulus = int.from_bytes(der[start:start + size], 'big')
    length = (modulus.bit_length() + 7) // 8
    signed = pow(int.from_bytes(base64.b64decode(signature), 'big'), 65537, modulus).to_bytes(length, 'big')
    prefix = {'sha256': '3031300d060960864801650304020105000420', 'sha1': '3021300906052b0e03021a05000414'}[digest]
    info = bytes.fromhex(prefix) + hashlib.new(digest, text).digest()
    if signed != b'\0\1' + b'\xff' * (length - 3 - len(info)) + b'\0' + info:
        raise ValueError('signature')


def check_request(headers, body):
    """Checks a request of Alexa, and returns its document."""
    url = urllib.parse.urlsplit(headers.get('SignatureCertChainUrl', ''))
    if (url.scheme, url.hostname, url.port or 443) != ('https', 's3.amazonaws.com', 443) or not url.path.startswith('/echo.api/'):
        raise ValueError('certificate URL')
    check_signature(url.geturl(), body, headers.get('Signature-256', ''), 'sha256')
    document = json.loads(body)
    if document['context']['System']['application']['applicationId'] != SKILL:
        raise ValueError('skill ID')
    sent = datetime.fromisoformat(document['request']['timestamp'].replace('Z', '+00:00'))
    limit = 3600 if document['request']['type'].startswith('AlexaSkillEvent.') else 150
    if abs((datetime.now(timezone.utc) - sent).total_seconds()) > limit:
        raise ValueError('timestamp')
    return document


def check_notification(body):
    """Checks a message of SNS, and returns it."""
    message = json.loads(body)
    if message['TopicArn'] != TOPIC or not re.fullmatch(r'https://sns\.us-east-1\.amazonaws\.com/.*\.pem', message['SigningCertURL']):
        raise ValueError('topic')
    keys = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
    text = ''.join(f'{key}\n{message[key]}\n' for key in keys if key in message)
    check_signature(message['SigningCertURL'], text.encode(), message['Signature'], {'1': 'sha1', '2': 'sha256'}[message['SignatureVersion']])
    return message


# Events for Alexa

def get_tokens(grant, **form):
    form |= {'client_id': 'id', 'client_secret': 'secret'}
    status, _, body = post('https://api.amazon.com/auth/o2/token', urllib.parse.urlencode(form).encode())
    if status != 200:
        raise OSError(f'token: status {status}')
    tokens = json.loads(body)
    grant.update(access=tokens['access_token'], refresh=tokens.get('refresh_token', grant.get('refresh')), until=time.monotonic() + tokens['expires_in'] - 60)


def send_reports():
    while True:
        key, power, sampled = reports.get()
        try:
            send_report(key, power, sampled)
        except OSError:
            time.sleep(0.2)
            reports.put((key, power, sampled))


def send_report(key, power, sampled):
    with lock:
        grant = grants.get(key)
    if grant is None:
        return
    if time.monotonic() > grant['until']:
        get_tokens(grant, grant_type='refresh_token', refresh_token=grant['refresh'])
    event = {'context': {}, 'event': {
        'header': {'namespace': 'Alexa', 'name': 'ChangeReport', 'messageId': str(uuid.uuid4()), 'payloadVersion': '3'},
        'endpoint': {'scope': {'type': 'BearerToken', 'token': grant['access']}, 'endpointId': 'lamp'},
        'payload': {'change': {'cause': {'type': 'PHYSICAL_INTERACTION'}, 'properties': [{
            'namespace': 'Alexa.PowerController', 'name': 'powerState', 'value': power,
            'timeOfSample': sampled, 'uncertaintyInMilliseconds': 0}]}}}}
    status, headers, _ = post(GATEWAYS[grant['region']] + '/v3/events', json.dumps(event).encode(),
                              **{'Content-Type': 'application/json', 'Authorization': 'Bearer ' + grant['access']})
    if status == 401:
        grant['until'] = 0
        raise OSError('the token expired')
    if status == 403:
        with lock:
            grants.pop(key, None)  # the customer disabled the skill
    elif status == 429 or status >= 500:
        time.sleep(float(headers.get('Retry-After', 0.2)))
        raise OSError('try again')


# URLs

class Backend(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        try:
            for path, handle in [(r'/alexa/events', self.event), (r'/alexa', self.speak), (r'/alexa/smarthome/(NA|EU|FE)', self.grant),
                                 (r'/lamps/(\w+)/(ON|OFF)', self.switched), (r'/sns/skills', self.notification)]:
                if match := re.fullmatch(path, self.path):
                    return handle(body, *match.groups())
            self.reply(404)
        except OSError:
            self.reply(503)
        except (ValueError, LookupError):
            self.reply(400)

    def do_GET(self):
        if self.path == '/news':
            self.reply(200, list(news.values()))
        else:
            self.reply(404)

    def event(self, body):
        event = check_request(self.headers, body)
        user = event['context']['System']['user']['userId']
        with lock:
            match event['request']['type']:
                case 'AlexaSkillEvent.SkillAccountLinked':
                    accounts[user] = account_of(event['request']['body']['accessToken'])
                case 'AlexaSkillEvent.SkillDisabled':
                    accounts.pop(user, None)
        self.reply(200)

    def speak(self, body):
        request = check_request(self.headers, body)
        name = accounts.get(request['context']['System']['user']['userId'])
        text = f'Hello, {name}.' if name else 'Hello. Please link your account.'
        self.reply(200, {'version': '1.0', 'response': {'outputSpeech': {'type': 'PlainText', 'text': text}}})

    def grant(self, body, region):
        payload = json.loads(body)['directive']['payload']
        grant = {'region': region}
        name, content = 'AcceptGrant.Response', {}
        try:
            get_tokens(grant, grant_type='authorization_code', code=payload['grant']['code'])
            with lock:
                grants[payload['grantee']['token']] = grant
        except OSError as error:
            name, content = 'ErrorResponse', {'type': 'ACCEPT_GRANT_FAILED', 'message': str(error)}
        header = {'namespace': 'Alexa.Authorization', 'name': name, 'messageId': str(uuid.uuid4()), 'payloadVersion': '3'}
        self.reply(200, {'event': {'header': header, 'payload': content}})

    def switched(self, _, account, power):
        with lock:
            keys = [key for key in grants if account_of(key) == account]
        for key in keys:
            reports.put((key, power, time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())))
        self.reply(204 if keys else 410)

    def notification(self, body):
        message = check_notification(body)
        if message['Type'] == 'SubscriptionConfirmation':
            urllib.request.urlopen(message['SubscribeURL'], timeout=5).close()
        else:
            event = json.loads(message['Message'])
            news[event['requestId']] = f"{event['eventName']}: {event['payload']['status']}"
        self.reply(200)

    def reply(self, status, value=None):
        body = b'' if value is None else json.dumps(value).encode()
        self.send_response(status)
        if status != 204:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == '__main__':
    threading.Thread(target=send_reports, daemon=True).start()
    ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Backend).serve_forever()
