/** Only names the socket file (`.s.PGSQL.5432`): nothing listens on TCP. */
export const PORT = 5432;

type Settings = Readonly<Record<string, string>>;

/** The settings (of postgresql.conf) that an embedded server runs with; `own` win over the defaults. */
export function serverSettings(socketDir: string, temporary: boolean, own: Settings): Settings {
  return {
    port: String(PORT),
    listen_addresses: '',
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    shared_buffers: '128MB',
    max_connections: '200',
    log_min_messages: 'warning',
    logging_collector: 'off',
    // With the SQLSTATE, by which a reader of the log tells errors apart.
    log_line_prefix: '%m [%p] %d %e ',
    ...(temporary ? THROW_AWAY : {}),
    ...own,
  };
}

/** A crash may cost everything. */
const THROW_AWAY: Settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
};

/** A connection string over the socket. TLS is said to be off, as PGSSLMODE might say otherwise. */
export function socketUrl(
  socketDir: string,
  role: string,
  password: string,
  database: string,
): string {
  return `postgres://${role}:${password}@${encodeURIComponent(socketDir)}:${PORT}/${database}?sslmode=disable`;
}
