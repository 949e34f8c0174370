/** The URIs of binary packages that apt's sources name, in order: one-line form and deb822 form (sources.list(5)). */
export function aptUris(sources: readonly { readonly name: string; readonly text: string }[]): string[] {
  return sources.flatMap(({ name, text }) => (name.endsWith('.sources') ? deb822Uris(text) : oneLineUris(text)));
}

function oneLineUris(text: string): string[] {
  const out: string[] = [];
  for (const line of text.split('\n')) {
    // deb [option=value …] URI suite [component …]
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?([^\s#]+)\s+\S/.exec(line);
    if (match !== null) out.push(match[1]!);
  }
  return out;
}

function deb822Uris(text: string): string[] {
  return text.split(/\n(?:[ \t]*\n)+/).flatMap((paragraph) => {
    // A field's value goes on in lines that begin with a blank.
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(paragraph)?.[1]?.trim();
    const words = (name: string): string[] => (field(name) ?? '').split(/\s+/).filter((word) => word !== '');
    if (!words('types').includes('deb') || /^(no|false|0)$/i.test(field('enabled') ?? 'yes')) return [];
    return words('uris');
  });
}

/**
 * The proxy that apt's configuration sets for a URL: `Acquire::SCHEME::Proxy::HOST`, else `Acquire::SCHEME::Proxy`, both
 * the flat and the nested spelling (apt.conf(5)). `DIRECT` and everything that is no http URL means none.
 */
export function aptProxy(configuration: string, url: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  const settings = aptSettings(configuration);
  const key = `acquire::${protocol.slice(0, -1)}::proxy`;
  const value =
    settings.get(`${key}::${hostname}`) ??
    settings.get(key) ??
    (protocol === 'https:' ? settings.get('acquire::http::proxy') : undefined);
  return value !== undefined && URL.canParse(value) && new URL(value).protocol.startsWith('http') ? value : undefined;
}

/** All `name "value";` settings by full lower-case name. Lists and directives are skipped. */
function aptSettings(configuration: string): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  const tokens =
    configuration
      .match(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|#[^\n]*|"[^"\n]*"|[{};]|[^\s{};"]+/g)
      ?.filter((token) => !/^(\/\/|\/\*|#)/.test(token)) ?? [];
  const scopes: string[] = [];
  let words: string[] = [];
  for (const token of tokens) {
    if (token === '{') {
      scopes.push((words[0] ?? '').toLowerCase());
      words = [];
    } else if (token === '}') {
      scopes.pop();
      words = [];
    } else if (token === ';') {
      const [name, value] = words;
      if (name !== undefined && value !== undefined)
        out.set([...scopes, name.toLowerCase()].join('::'), value.replaceAll('"', ''));
      words = [];
    } else words.push(token);
  }
  return out;
}
