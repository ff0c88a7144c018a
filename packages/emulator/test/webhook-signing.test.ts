// The signatures of deliveries, against examples that HubSpot and its clients publish and against ones of our own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  signatureHeaders,
  signatureV1,
  signatureV2,
  signatureV3,
  signedUri,
} from '../src/webhooks/signing.ts'

const SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'
const URL = 'https://www.example.com/webhook_uri'
const OWN = 'test-client-secret-0001'
const HOOK = 'https://hooks.example.test/webhooks/hubspot'

test('v3 signs method, address, body and time, as the published examples do', () => {
  const body = "{'example_field':'example_value'}"
  assert.equal(
    signatureV3(SECRET, 'POST', URL, body, 1693657560000),
    'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=',
  )
  assert.equal(
    signatureV3(SECRET, 'POST', URL, body, 1700000300000),
    'RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=',
  )
})

test('v1 and v2 hash as the published examples do', () => {
  const body =
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
  assert.equal(signatureV1(SECRET, body), '232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de')
  assert.equal(
    signatureV2(SECRET, 'GET', URL, ''),
    'eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e',
  )
  assert.equal(
    signatureV2(SECRET, 'POST', URL, '{"example_field":"example_value"}'),
    '9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900',
  )
})

test('the body is signed as its UTF-8 bytes', () => {
  const plain =
    '[{"eventId":100,"subscriptionId":25,"portalId":33,"appId":1160452,"occurredAt":1462216307945,"subscriptionType":"ticket.propertyChange","attemptNumber":0,"objectId":394413098217,"propertyName":"hs_pipeline_stage","propertyValue":"4","changeSource":"CRM_UI","sourceId":"userId:12345"}]'
  assert.equal(Buffer.byteLength(plain), 284)
  assert.equal(
    signatureV3(OWN, 'POST', HOOK, plain, 1790000001000),
    'SwEBSRLFfSslvzzbKTftOqStt+Rjd2EEPissJdAotZM=',
  )
  const wide =
    '[{"eventId":101,"subscriptionId":26,"portalId":33,"appId":1160452,"occurredAt":1462216307999,"subscriptionType":"object.propertyChange","attemptNumber":1,"objectId":394413098217,"objectTypeId":"0-5","propertyName":"subject","propertyValue":"Zoë — café ☕","changeSource":"CRM_UI"}]'
  assert.equal(Buffer.byteLength(wide), 286)
  assert.equal(
    signatureV3(OWN, 'POST', HOOK, wide, 1790000003000),
    'pzAGBAijWQmpIBVKmafX5ezcHMijZBehkkedRWR/NnQ=',
  )
})

test('of the address only the listed codes are decoded, in either case', () => {
  const raw = `${HOOK}?src=hs%3Aapp%2Fv3&x=%28a%29`
  const signature = signatureV3(OWN, 'POST', raw, '[]', 1790000004000)
  assert.equal(signature, 'teglRgKTq5vSMh/7rZKxPumxpMMKD6FHyqn2LpIcK+c=')
  assert.notEqual(signature, 'WXvx1eFtEo5rvqFqxf7J8gr8wH66lvTrgQaH9mk5Hpo=')
  assert.equal(
    signedUri('https://h.test/a?b=%3a%2f%3f%40%21%24%27%28%29%2a%2c%3b'),
    "https://h.test/a?b=:/?@!$'()*,;",
  )
  const kept = 'https://h.test/a%20b?c=%26%3D%23%5B%C3%A9%253A'
  assert.equal(signedUri(kept), kept)
})

test('which headers are sent can be chosen', () => {
  const names = (which: 'both' | 'v1' | 'v2' | 'v3') =>
    Object.keys(signatureHeaders(OWN, HOOK, '[]', 1790000001000, which)).sort()
  const old = ['X-HubSpot-Signature', 'X-HubSpot-Signature-Version']
  const fresh = ['X-HubSpot-Request-Timestamp', 'X-HubSpot-Signature-v3']
  assert.deepEqual(names('both'), [...fresh, ...old].sort())
  assert.deepEqual(names('v1'), old)
  assert.deepEqual(names('v2'), old)
  assert.deepEqual(names('v3'), fresh)
})
