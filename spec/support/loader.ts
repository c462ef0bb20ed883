/**
 * The embedded server needs a newer C library than Debian 12 and its like have. Where it is too old, the server's
 * process is started by the dynamic loader of Debian 13, which is unpacked into a cache folder; nothing is installed.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { aptSources } from './aptSources';

const run = promisify(execFile);

const NEEDED = [2, 38] as const;
const SUITE = 'trixie';
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const WAY_OUT = 'Set MOTOR_TEST_URI to the address of a MongoDB server of your own, such as mongodb://127.0.0.1:27017';

/** Folder of the libraries, and name of the loader, by `process.arch`. */
const LIBRARIES: Readonly<Record<string, readonly [folder: string, loader: string]>> = {
  x64: ['x86_64-linux-gnu', 'ld-linux-x86-64.so.2'],
  arm64: ['aarch64-linux-gnu', 'ld-linux-aarch64.so.1'],
};

/**
 * What to put before `node file.js` so that the embedded server runs in it: nothing, or a dynamic loader. The loader
 * is fetched once, which takes some seconds.
 * @throws Error: it cannot run here; the message says why and what to do instead
 */
export async function loaderCommand(): Promise<string[]> {
  if (process.platform === 'darwin' && process.arch === 'arm64') return [];
  const libraries = LIBRARIES[process.arch];
  if (process.platform !== 'linux' || !libraries) {
    throw impossible(`it is made for Linux on x64 and arm64 and macOS on arm64, this is ${process.platform}`);
  }
  const version = glibcVersion();
  if (!version) throw impossible('it needs glibc, and this system has another C library (musl?)');
  if (isEnough(version)) return [];

  const [folder, loader] = libraries;
  const name = `glibc-${SUITE}-${process.arch}`;
  const caches = cacheFolders();
  const cached = caches.map((cache) => join(cache, name)).find((libs) => existsSync(join(libs, loader)));
  const libs = cached ?? (await fetchLibraries(await writable(caches), name, folder, loader, version));
  return [join(libs, loader), '--library-path', libs];
}

function glibcVersion(): string | undefined {
  const report: { header?: { glibcVersionRuntime?: string } } = process.report.getReport();
  return report.header?.glibcVersionRuntime;
}

function isEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/** The user's cache first: fresh clones of the project find it there. */
function cacheFolders(): string[] {
  const project = resolve(__dirname, '..', '..', '..');
  const home = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return [join(home, 'motor-mongo'), join(project, '.cache')];
}

async function writable(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true });
      await rm(await mkdtemp(join(folder, 'try-')), { recursive: true });
      return folder;
    } catch {
      // read-only home: the next one
    }
  }
  throw impossible(`no cache folder is writable (${folders.join(', ')})`);
}

async function fetchLibraries(cache: string, name: string, folder: string, loader: string, version: string) {
  const target = join(cache, name);
  console.error(`The embedded MongoDB server needs glibc ${NEEDED.join('.')}, this system has ${version}.`);
  console.error(`Fetching the one of Debian ${SUITE} into ${target}, once (about 15 MB; nothing is installed).`);
  const scratch = await mkdtemp(join(tmpdir(), 'motor-mongo-apt-'));
  const unpacked = await mkdtemp(join(cache, `${name}-`));
  try {
    await writeAptFolder(scratch);
    const config = ['-c', join(scratch, 'apt.conf')];
    await tool('apt-get', [...config, 'update'], scratch);
    await tool('apt-get', [...config, 'download', ...PACKAGES], scratch);
    for (const file of await readdir(scratch)) {
      if (file.endsWith('.deb')) await tool('dpkg-deb', ['-x', join(scratch, file), unpacked], scratch);
    }
    const libs = join(unpacked, 'usr', 'lib', folder);
    // A node that cannot run with them (a static one, say) is told now and not by a crash later.
    const { stdout } = await tool(join(libs, loader), ['--library-path', libs, process.execPath, '--version'], scratch);
    if (stdout.trim() !== process.version) throw impossible(`${process.execPath} does not run with another glibc`);
    await rename(libs, target).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster; its copy is as good as ours.
      if (!existsSync(join(target, loader))) throw error;
    });
  } finally {
    await rm(unpacked, { recursive: true, force: true });
    await rm(scratch, { recursive: true, force: true });
  }
  return target;
}

/** Settings, sources and state of an apt that shares nothing with the system's but its mirror and its keys. */
async function writeAptFolder(folder: string): Promise<void> {
  const { codename, isDebian } = await distribution();
  if (!isDebian) throw impossible(`the glibc it needs is fetched with Debian's apt, and this is not Debian`);
  const suites = [codename, 'stable', 'oldstable'];
  const mirror = (await aptSources()).find(
    (source) => suites.includes(source.suite) && source.components.includes('main'),
  );
  if (!mirror) throw impossible(`no Debian mirror for ${codename} is set up in /etc/apt`);
  await mkdir(join(folder, 'sources'));
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'archives', 'partial'), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  await writeFile(
    join(folder, 'sources', 'mirror.sources'),
    [
      'Types: deb',
      `URIs: ${mirror.uri}`,
      `Suites: ${SUITE}`,
      'Components: main',
      `Signed-By: ${mirror.signedBy ?? KEYRING}`,
      '',
    ].join('\n'),
  );
  await writeFile(
    join(folder, 'apt.conf'),
    [
      `Dir::Etc::sourcelist "/dev/null";`,
      `Dir::Etc::sourceparts "${folder}/sources";`,
      `Dir::State "${folder}";`,
      `Dir::State::lists "${folder}/lists";`,
      `Dir::State::status "${folder}/status";`,
      `Dir::Cache "${folder}";`,
      `Dir::Cache::archives "${folder}/archives";`,
      `Acquire::Languages "none";`,
      // The folder belongs to this user alone, and the hooks are meant for the system's own lists.
      `APT::Sandbox::User "";`,
      '#clear APT::Update::Post-Invoke;',
      '#clear APT::Update::Post-Invoke-Success;',
      '',
    ].join('\n'),
  );
}

async function distribution(): Promise<{ codename: string; isDebian: boolean }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { codename: field('VERSION_CODENAME'), isDebian: field('ID') === 'debian' };
}

async function tool(command: string, args: string[], cwd: string): Promise<{ stdout: string }> {
  try {
    return await run(command, args, { cwd, timeout: 300_000 });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw impossible(code === 'ENOENT' ? `${command} is not on this system` : message.trim(), error);
  }
}

function impossible(reason: string, cause?: unknown): Error {
  return new Error(`The embedded MongoDB server cannot run here: ${reason}. ${WAY_OUT}.`, { cause });
}
