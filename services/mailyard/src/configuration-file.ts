/** The configuration as one file, for `mailyard apply`: what a section says is what there will be; absent ones stay. */
import { CONNECTION_ACTIONS, type FlowParameters, orderedParameters } from '@mailyard/access';
import { CANONICALIZATIONS } from '@mailyard/configuration';
import {
  DANE_USES,
  MTA_STS_USES,
  readDaneUse,
  readMtaStsUse,
  readTlsUse,
  TLS_USES,
  type changeSetWire as wire,
  type routingWire,
  writeDaneUse,
  writeMtaStsUse,
  writeTlsUse,
} from '@mailyard/contracts';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { withoutUnknownFields } from './server-command.ts';

const text = z.string();
const list = z.union([text.transform((one) => [one]), z.array(text)]);
const count = z.int().min(0);

const route = z.union([
  list.transform((destinations) => ({ destinations, auth: undefined })),
  z.strictObject({ destinations: list, auth: text.optional() }),
]);
const side = z.strictObject({ members: z.array(text).default([]), not: z.array(text).default([]) }).prefault({});
const access = z.union([
  text.transform((recipient) => ({
    recipient,
    action: 'ACCEPT' as const,
    reply: undefined,
    bypassReceivingControl: undefined,
  })),
  z.strictObject({
    recipient: text,
    action: z.enum(['ACCEPT', 'REJECT']).default('ACCEPT'),
    reply: z.strictObject({ code: count, text }).optional(),
    bypassReceivingControl: z.boolean().optional(),
  }),
]);
const policy = z.strictObject({
  name: text,
  sender: side,
  recipient: side,
  actions: z
    .strictObject({
      removeHeaders: z.array(text).default([]),
      addHeaders: z.array(z.strictObject({ name: text, value: text })).default([]),
      subjectTag: text.optional(),
      priority: z.int().optional(),
      drop: z.boolean().default(false),
    })
    .prefault({}),
});
const listenerName = text.default('');
const parameters = z.record(text, z.union([text, z.number().transform(String)])).optional();
const flowPolicy = z.strictObject({
  name: text,
  listener: listenerName,
  action: z.enum(CONNECTION_ACTIONS),
  parameters,
});
const hostSource = z.union([
  // Not a number: YAML reads a partial address such as 10.10 as 10.1.
  text.transform((source) => ({ source, comment: undefined })),
  z.strictObject({ source: text, comment: text.optional() }),
]);
const hostRow = z
  .strictObject({
    listener: listenerName,
    group: text.optional(),
    source: hostSource.optional(),
    sources: z.array(hostSource).optional(),
    policy: text.optional(),
    action: z.enum(CONNECTION_ACTIONS).optional(),
    parameters,
    comment: text.optional(),
  })
  .refine(({ group, source, sources }) => (group === undefined ? sources === undefined : source === undefined), {
    message: 'a sender group has sources, a row without group has one source',
  })
  .refine(
    ({ policy, action, parameters: own }) => (policy === undefined) !== (action === undefined && own === undefined),
    {
      message: 'a row has a policy, or an action with its parameters',
    },
  );
const secret = z.union([z.strictObject({ file: text }), z.strictObject({ environment: text })]);
const profile = z.strictObject({
  username: text,
  secret,
  allowClear: z.boolean().default(false),
});
const IP_PREFERENCES = ['preferV6', 'requireV6', 'preferV4', 'requireV4'] as const;
const control = z.strictObject({
  maxConnections: count.optional(),
  maxMessagesPerConnection: count.optional(),
  maxRecipients: count.optional(),
  windowMinutes: count.optional(),
  tls: z.enum(TLS_USES).optional(),
  dane: z.enum(DANE_USES).optional(),
  mtaSts: z.enum(MTA_STS_USES).optional(),
  bounceProfile: text.optional(),
  ipPreference: z.enum(IP_PREFERENCES).optional(),
  bounceVerification: z.boolean().optional(),
});
const bounce = z.strictObject({
  maxRetries: count.optional(),
  maxAgeSeconds: count.optional(),
  initialWaitSeconds: count.optional(),
  maxWaitSeconds: count.optional(),
  notices: z.boolean().optional(),
  delayWarnings: count.optional(),
  delayWarningSeconds: count.optional(),
});

const gateway = z.strictObject({ from: text, gateway: text });
/** Rows in the order of the file: `"@old.example": "@new.example"`, `sales@example.com: [ann, bob@example.net]`. */
const pair = z.record(text, text);
const alias = z.record(text, list);
const unsubscribed = z.union([
  text.transform((recipient) => ({ recipient, action: 'drop' as const })),
  z.strictObject({ recipient: text, action: z.enum(['drop', 'bounce']).default('drop') }),
]);
const bounceKey = z.strictObject({
  key: z.int().min(0).max(9),
  secret,
});
const dkimProfile = z.strictObject({
  domain: text,
  selector: text,
  key: secret,
  senders: list.optional(),
  canonicalization: z.enum(CANONICALIZATIONS).optional(),
  headers: z.array(text).optional(),
  expiresAfterSeconds: count.optional(),
  allowUnsigned: z.boolean().default(false),
});

const configuration = z.strictObject({
  mode: z.enum(['covering', 'dotted']).optional(),
  routes: z.record(text, route).optional(),
  rat: z.array(access).optional(),
  policies: z.array(policy).optional(),
  authProfiles: z.record(text, profile).optional(),
  destinationControls: z.record(text, control).optional(),
  bounceProfiles: z.record(text, bounce).optional(),
  hat: z.array(hostRow).optional(),
  mailFlowPolicies: z.array(flowPolicy).optional(),
  outgoingPolicies: z.array(policy).optional(),
  virtualGateways: z.array(gateway).optional(),
  domainMap: pair.optional(),
  aliases: alias.optional(),
  bounceKeys: z.array(bounceKey).optional(),
  globalUnsubscribe: z.array(unsubscribed).optional(),
  dkimProfiles: z.record(text, dkimProfile).optional(),
});

type Configuration = z.infer<typeof configuration>;

/**
 * Reads a file, YAML or JSON, into the operations that make the configuration say what it says.
 *
 * @throws Error with every fault and its place in the file
 */
export function readConfigurationFile(content: string): wire.Operation[] {
  const read = configuration.safeParse(parse(content) ?? {});
  if (!read.success) {
    throw new Error(
      read.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`).join('\n'),
    );
  }
  return [...operationsOf(read.data)];
}

function* operationsOf(file: Configuration): Iterable<wire.Operation> {
  if (file.mode !== undefined)
    yield { operation: { $case: 'setMatchingMode', value: { mode: file.mode === 'covering' ? 1 : 2 } } };
  // Profiles stand before the routes that name them, only for the eye: operations are judged together.
  if (file.authProfiles !== undefined) yield replace(4, Object.entries(file.authProfiles).map(authProfileOf));
  if (file.bounceProfiles !== undefined)
    yield replace(
      6,
      Object.entries(file.bounceProfiles).map(([name, value]) => ({
        $case: 'bounceProfile',
        value: { name, ...value },
      })),
    );
  if (file.destinationControls !== undefined) yield replace(5, Object.entries(file.destinationControls).map(controlOf));
  if (file.policies !== undefined)
    yield replace(
      3,
      file.policies.map((value) => ({ $case: 'mailPolicy', value })),
    );
  if (file.mailFlowPolicies !== undefined) yield replace(8, file.mailFlowPolicies.map(flowPolicyOf));
  if (file.hat !== undefined) yield replace(7, file.hat.map(hostRowOf));
  if (file.outgoingPolicies !== undefined)
    yield replace(
      9,
      file.outgoingPolicies.map((value) => ({ $case: 'outgoingMailPolicy', value })),
    );
  if (file.virtualGateways !== undefined)
    yield replace(
      10,
      file.virtualGateways.map(({ from: key, gateway: name }) => ({
        $case: 'virtualGateway',
        value: { key, gateway: name },
      })),
    );
  if (file.globalUnsubscribe !== undefined)
    yield replace(
      23,
      file.globalUnsubscribe.map(({ recipient, action }) => ({
        $case: 'unsubscribed',
        value: { recipient, action: action === 'drop' ? 1 : 2 },
      })),
    );
  if (file.bounceKeys !== undefined)
    yield replace(
      22,
      file.bounceKeys.map(({ key: number, secret }) => ({
        $case: 'bounceKey',
        value: { number, secret: secretOf(secret) },
      })),
    );
  if (file.domainMap !== undefined)
    yield replace(
      20,
      Object.entries(file.domainMap).map(([key, to]) => ({ $case: 'domainMapping', value: { key, to } })),
    );
  if (file.aliases !== undefined)
    yield replace(
      21,
      Object.entries(file.aliases).map(([key, to]) => ({ $case: 'alias', value: { key, to } })),
    );
  if (file.dkimProfiles !== undefined) yield replace(12, Object.entries(file.dkimProfiles).map(dkimProfileOf));
  if (file.rat !== undefined) yield replace(2, file.rat.map(accessOf));
  if (file.routes !== undefined) yield replace(1, Object.entries(file.routes).map(routeOf));
}

type Value = NonNullable<wire.Item['item']>;

function replace(section: wire.Section, values: readonly Value[]): wire.Operation {
  return { operation: { $case: 'replace', value: { section, items: values.map((item) => ({ item })) } } };
}

function routeOf([receivingDomain, { destinations, auth }]: [string, z.infer<typeof route>]): Value {
  return { $case: 'route', value: { receivingDomain, destinations, authProfile: auth } };
}

function flowPolicyOf({ name, listener, action, parameters: own }: z.infer<typeof flowPolicy>): Value {
  return { $case: 'mailFlowPolicy', value: { listener, name: withoutSign(name), rule: ruleOf(action, own) } };
}

function hostRowOf(row: z.infer<typeof hostRow>): Value {
  const { listener, group = '', source, sources, policy: name, action, parameters: own, comment } = row;
  return {
    $case: 'hostAccess',
    value: {
      listener,
      group,
      sources: sources ?? (source === undefined ? [] : [source]),
      rule:
        name === undefined
          ? { $case: 'own', value: ruleOf(action ?? 'ACCEPT', own) }
          : { $case: 'policy', value: withoutSign(name) },
      comment,
    },
  };
}

function ruleOf(action: (typeof CONNECTION_ACTIONS)[number], own: FlowParameters = {}): wire.FlowRule {
  return {
    action: (CONNECTION_ACTIONS.indexOf(action) + 1) as wire.ConnectionAction,
    parameters: Object.entries(own).map(([name, value]) => ({ name, value })),
  };
}

/** `$TRUSTED` and `TRUSTED` name the same policy. */
function withoutSign(name: string): string {
  return name.startsWith('$') ? name.slice(1) : name;
}

function accessOf({ recipient, action, reply, bypassReceivingControl }: z.infer<typeof access>): Value {
  const value = { recipient, action: action === 'ACCEPT' ? 1 : 2, reply, bypassReceivingControl } as const;
  return { $case: 'recipientAccess', value };
}

function authProfileOf([name, { username, secret: reference, allowClear }]: [string, z.infer<typeof profile>]): Value {
  return { $case: 'authProfile', value: { name, username, secret: secretOf(reference), allowClear } };
}

function dkimProfileOf([name, { key, senders = [], headers = [], ...rest }]: [
  string,
  z.infer<typeof dkimProfile>,
]): Value {
  return { $case: 'dkimProfile', value: { name, ...rest, key: secretOf(key), senders, headers } };
}

function secretOf(reference: z.infer<typeof secret>): wire.AuthProfile['secret'] {
  return 'file' in reference
    ? { $case: 'file', value: reference.file }
    : { $case: 'environment', value: reference.environment };
}

function controlOf([domain, { tls, dane, mtaSts, ipPreference, ...rest }]: [string, z.infer<typeof control>]): Value {
  return {
    $case: 'destinationControl',
    value: {
      domain,
      ...rest,
      ...writeTlsUse(tls),
      ...writeDaneUse(dane),
      ...writeMtaStsUse(mtaSts),
      ipPreference: ipPreference === undefined ? 0 : ((IP_PREFERENCES.indexOf(ipPreference) + 1) as wire.IpPreference),
    },
  };
}

/** Prints the whole configuration as such a file; applied again it changes nothing. */
export function printConfigurationFile(
  table: Omit<routingWire.GetTableResponse, '_unknownFields'>,
  access: routingWire.GetAccessResponse,
): string {
  const file = {
    mode: table.mode === 2 ? 'dotted' : 'covering',
    routes: Object.fromEntries(
      table.routes.map(({ receivingDomain, destinations, authProfile }) => [
        receivingDomain,
        authProfile === undefined ? destinations : { destinations, auth: authProfile },
      ]),
    ),
    rat: access.recipientAccess.map(({ recipient, action, reply, bypassReceivingControl }) => ({
      recipient,
      action: action === 1 ? 'ACCEPT' : 'REJECT',
      ...(reply === undefined ? {} : { reply: { code: reply.code, text: reply.text } }),
      bypassReceivingControl,
    })),
    policies: access.mailPolicies.map(plainPolicy),
    authProfiles: Object.fromEntries(
      access.authProfiles.map(({ name, username, secret: reference, allowClear }) => [
        name,
        { username, secret: plainReference(reference), allowClear },
      ]),
    ),
    destinationControls: Object.fromEntries(
      access.destinationControls.map(({ domain, tls, verifyCertificate, dane, mtaSts, ipPreference, ...rest }) => [
        domain,
        {
          ...rest,
          tls: readTlsUse({ tls, verifyCertificate }),
          dane: readDaneUse({ dane }),
          mtaSts: readMtaStsUse({ mtaSts }),
          ipPreference: IP_PREFERENCES[ipPreference - 1],
        },
      ]),
    ),
    bounceProfiles: Object.fromEntries(access.bounceProfiles.map(({ name, ...rest }) => [name, rest])),
    mailFlowPolicies: access.mailFlowPolicies.map(({ listener, name, rule }) => ({
      name,
      listener: listener === '' ? undefined : listener,
      ...plainRule(rule),
    })),
    hat: access.hostAccess.map(({ listener, group, sources, rule, comment }) => ({
      listener: listener === '' ? undefined : listener,
      ...(group === ''
        ? { source: sources[0] && plainSource(sources[0]) }
        : { group, sources: sources.map(plainSource) }),
      ...(rule?.$case === 'policy' ? { policy: `$${rule.value}` } : plainRule(rule?.value)),
      comment,
    })),
    outgoingPolicies: access.outgoingMailPolicies.map(plainPolicy),
    virtualGateways: access.virtualGateways.map(({ key, gateway: name }) => ({ from: key, gateway: name })),
    globalUnsubscribe: access.globalUnsubscribe.map(({ recipient, action }) =>
      action === 1 ? recipient : { recipient, action: 'bounce' },
    ),
    bounceKeys: access.bounceKeys.map(({ number, secret }) => ({
      key: number,
      secret: secret && { [secret.$case]: secret.value },
    })),
    domainMap: Object.fromEntries(access.domainMap.map(({ key, to }) => [key, to])),
    aliases: Object.fromEntries(access.aliases.map(({ key, to }) => [key, to.length === 1 ? to[0] : to])),
    dkimProfiles: Object.fromEntries(
      access.dkimProfiles.map(({ name, key, senders, headers, ...rest }) => [
        name,
        {
          ...rest,
          key: plainReference(key),
          senders: senders.length === 0 ? undefined : senders,
          headers: headers.length === 0 ? undefined : headers,
        },
      ]),
    ),
  };
  return `# Mailyard configuration, version ${table.version}\n${stringify(file, withoutUnknownFields, { keepUndefined: false, lineWidth: 0 })}`;
}

function plainReference(reference: wire.AuthProfile['secret']): unknown {
  return reference && { [reference.$case]: reference.value };
}

function plainPolicy({ name, sender, recipient, actions }: wire.MailPolicy): unknown {
  return {
    name,
    sender: { members: sender?.members ?? [], not: sender?.not ?? [] },
    recipient: { members: recipient?.members ?? [], not: recipient?.not ?? [] },
    actions: {
      removeHeaders: actions?.removeHeaders,
      addHeaders: actions?.addHeaders,
      subjectTag: actions?.subjectTag,
      priority: actions?.priority,
      drop: actions?.drop,
    },
  };
}

function plainRule(rule: wire.FlowRule | undefined): {
  readonly action?: string;
  readonly parameters?: FlowParameters;
} {
  if (rule === undefined) return {};
  const own = Object.fromEntries(rule.parameters.map(({ name, value }) => [name, value]));
  const action = CONNECTION_ACTIONS[rule.action - 1];
  return {
    ...(action === undefined ? {} : { action }),
    ...(rule.parameters.length === 0 ? {} : { parameters: Object.fromEntries(orderedParameters(own)) }),
  };
}

function plainSource({ source, comment }: wire.HostSource): unknown {
  return comment === undefined ? source : { source, comment };
}
