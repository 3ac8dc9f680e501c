#include "cli/option.h"

#include "keyring/admin.h"

static const struct command commands[COMMAND_COUNT] = {
    [COMMAND_INIT] =
        {
            .name = "init",
            .is_deed = true,
            .arguments = "",
            .summary = "create a repository, and a keyring if there is none",
            .text = "Creates the repository, the signing key of this machine and, unless there is "
                    "one already, the keyring with its first master-key version. Prints the "
                    "repository's fingerprint: keep it with the keyring's passphrase, away from "
                    "this machine: with these and a copy of the keyring a new machine can "
                    "restore.\n\nThe repository has a root key, root-key.json in the state "
                    "directory, sealed under the keyring's passphrase or that of "
                    "--root-passphrase-file. It says which machines may write, and is needed for "
                    "nothing else: move it away from this machine. writer enrol and writer revoke "
                    "ask for it.\n\nA run that was "
                    "interrupted is completed by running it again.",
            .example = "sealpoint init --repository /srv/backup "
                       "--generate-passphrase /root/passphrase",
        },
    [COMMAND_BACKUP] =
        {
            .name = "backup",
            .is_deed = true,
            .arguments = "[SOURCE]",
            .arguments_max = 1,
            .summary = "take a snapshot",
            .text = "SOURCE is a directory (a stopped mongod's dbpath, or a file system snapshot "
                    "of one), or - for standard input: a tar becomes files, anything else one "
                    "stream, for example mongodump --archive. Without SOURCE the configured one "
                    "is used.\n\n"
                    "Symbolic links are kept as links. A dbpath whose journal, directories or *.wt "
                    "files are links is refused, as the snapshot would lack them: back up a file "
                    "system snapshot, or bind-mount them in their places.\n\n"
                    "What is unchanged since the parent snapshot is not stored again. Exit "
                    "status 0 means that the snapshot is durable; 10 means the same, but a file "
                    "changed or vanished while it was read.",
            .example = "sealpoint backup /var/lib/mongodb --description 'before the upgrade'",
        },
    [COMMAND_RESTORE] =
        {
            .name = "restore",
            .is_deed = true,
            .arguments = "[SNAPSHOT]",
            .arguments_max = 1,
            .summary = "restore a snapshot into a directory",
            .text =
                "SNAPSHOT is an id, the first digits of one, or latest. Everything that can "
                "be checked is checked before the target sees anything: signatures, the "
                "validity of the recorded master-key version, every object that is needed, free "
                "space. A refused restore leaves the target as it was.\n\n"
                "The target must not exist or be empty, unless --delta is given. It may be a "
                "mount point, where a lost+found does not count. If a restore onto one is "
                "killed, mongod refuses to start there; running it again removes what is left "
                "and begins anew. It must not lie in the repository or the state directory, nor "
                "hold "
                "them.",
            .example = "sealpoint restore latest --to /var/lib/mongodb",
        },
    [COMMAND_VERIFY] =
        {
            .name = "verify",
            .is_deed = true,
            .arguments = "[SNAPSHOT…]",
            .arguments_max = COMMAND_ARGUMENTS_ANY,
            .summary = "check snapshots, with or without a key",
            .text = "Without options no key is needed: the ledger's chain and signatures, the "
                    "manifests, and presence and size of every object are checked. --read-data "
                    "also reads every object and compares its digest, still without a key; "
                    "--decrypt opens everything and compares every block. Without SNAPSHOT all "
                    "are checked. All damage is reported before it exits, and the end says which "
                    "snapshots are sound, and of the others what is damaged: with --decrypt the "
                    "files, else how many objects. What was deleted since the last visit is named, "
                    "and how old the newest signature is: keep the file of --report elsewhere, and "
                    "--heads compares with it.\n\n"
                    "Exit status 6 when anything is damaged; 10 when all is sound and the newest "
                    "checkpoint has expired, or the newest envelope of a data key does not open "
                    "and an older one does; else 9 when something cannot be read; "
                    "else 3 or 4 when a key was refused, and what other keys open was "
                    "decrypted all the same.",
            .example = "sealpoint verify --read-data --sample 5%",
        },
    [COMMAND_STATUS] =
        {
            .name = "status",
            .arguments = "",
            .summary = "show what the repository is and how old it is",
            .text =
                "Shows the repository's fingerprint and since when this machine knows it, who may "
                "write to it and where each writer's records end, the verdict on every "
                "master-key version that is active or needed, and the newest snapshot and "
                "signature with their age. No key is needed; without the keyring its versions "
                "are UNREACHABLE.",
            .example = "sealpoint status --json | jq -r .newestSnapshot.createdAt",
        },
    [COMMAND_SNAPSHOTS] =
        {
            .name = "snapshots",
            .arguments = "",
            .summary = "list the snapshots",
            .text =
                "Lists the snapshots of the repository, oldest first. No key is needed. What was "
                "deleted since the last visit is named as a warning.",
            .example = "sealpoint snapshots --json | jq -r '.results[-1].id'",
        },
    [COMMAND_SHOW] =
        {
            .name = "show",
            .arguments = "SNAPSHOT",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "show all that is recorded of one snapshot",
            .text = "Shows what the signed record says of a snapshot: when and how it was taken, "
                    "its sizes, its place in the chain, the master-key version it depends on. No "
                    "key is needed.",
        },
    [COMMAND_LS] =
        {
            .name = "ls",
            .arguments = "SNAPSHOT [PATH…]",
            .arguments_min = 1,
            .arguments_max = COMMAND_ARGUMENTS_ANY,
            .summary = "list the files of a snapshot",
            .text = "Lists the files at or below each PATH, or all. File names are sealed, so this "
                    "needs the master key; it reads no contents, whatever is damaged of them.\n\n"
                    "PATH is a path in the snapshot; journal/, ./journal and /journal are the "
                    "same. What no file is called may be a pattern, as of fnmatch(3): * and ? "
                    "match no slash, [a-z] is a set, a backslash takes the meaning from the next "
                    "character. A pattern without a slash is compared with names at any depth, "
                    "one with a slash with paths from the top (/c*.wt). Quote patterns, or the "
                    "shell takes them. The same goes for export and for restore --only.",
            .example = "sealpoint ls latest 'collection-*' journal/",
        },
    [COMMAND_CAT] =
        {
            .name = "cat",
            .arguments = "SNAPSHOT PATH",
            .arguments_min = 2,
            .arguments_max = 2,
            .summary = "write one file of a snapshot to standard output",
            .text = "Writes the content of one regular file to standard output. Only what this "
                    "file needs of the repository must be there.",
            .example = "sealpoint cat latest stream | mongorestore --archive",
        },
    [COMMAND_EXPORT] =
        {
            .name = "export",
            .arguments = "SNAPSHOT [PATH…]",
            .arguments_min = 1,
            .arguments_max = COMMAND_ARGUMENTS_ANY,
            .summary = "write a snapshot as a tar to standard output",
            .text = "Writes the files at or below each PATH (or pattern, see ls), or all, as a "
                    "POSIX pax tar to "
                    "standard output, which must not be a terminal. What they need of the "
                    "repository is seen to be there before the first byte; what else is damaged "
                    "does not matter.",
            .example = "sealpoint export latest | ssh db2 tar -xf - -C /var/lib/mongodb",
        },
    [COMMAND_KEY_STATUS] =
        {
            .name = "key status",
            .arguments = "",
            .summary = "list the versions of a master key and their states",
            .text = "Lists the versions of the master key, oldest first: state, since when, and "
                    "which is active.",
        },
    [COMMAND_KEY_CHECK] =
        {
            .name = "key check",
            .is_deed = true,
            .arguments = "",
            .summary = "check the master keys that snapshots depend on",
            .text = "Wraps and unwraps a canary with the active version and with every version "
                    "that a snapshot depends on, says VALID, INVALID or UNREACHABLE for each, "
                    "and records what changed in the ledger. Exit status 3 when one is invalid, 4 "
                    "when one is unreachable.",
        },
    [COMMAND_KEY_CREATE] =
        {
            .name = "key create",
            .is_deed = true,
            .arguments = "",
            .summary = "create the keyring of a configured master key",
            .text = "Creates the file keyring of a master key that was added to the configuration, "
                    "for example of an escrow, with its first version. An existing one is never "
                    "overwritten. init does the same for a new repository.\n\nEach configured "
                    "master key opens what is sealed from then on: the next snapshot begins a new "
                    "chain. key rewrap makes it open the snapshots that are there.",
            .example = "sealpoint key create --key 1",
        },
    [COMMAND_KEY_ROTATE] =
        {
            .name = "key rotate",
            .is_deed = true,
            .arguments = "",
            .summary = "make a new master-key version the active one",
            .text = "Adds a version to the keyring and makes it the active one. Older versions "
                    "stay enabled: the snapshots that recorded them still need them. The next "
                    "snapshot is a full base.",
        },
    [COMMAND_KEY_DISABLE] =
        {
            .name = "key disable",
            .is_deed = true,
            .arguments = "VERSION",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "stop all use of a master-key version",
            .text = "Restores of snapshots that depend on the version are refused, and no new "
                    "snapshot is taken under it, until it is enabled again. Says first which "
                    "snapshots that concerns, and asks.",
        },
    [COMMAND_KEY_ENABLE] =
        {
            .name = "key enable",
            .is_deed = true,
            .arguments = "VERSION",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "allow the use of a disabled master-key version again",
            .text = "Allows the use of a disabled version again; nothing was lost meanwhile.",
        },
    [COMMAND_KEY_SCHEDULE_DELETION] =
        {
            .name = "key schedule-deletion",
            .is_deed = true,
            .arguments = "VERSION",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "destroy a master-key version after a waiting time",
            .text = "From now on the version may not be used, and after the waiting time its key "
                    "material is destroyed: what depends on it can never be restored again. Says "
                    "first which snapshots that concerns, and asks.",
            .example = "sealpoint key schedule-deletion 1 --days 14",
        },
    [COMMAND_KEY_CANCEL_DELETION] =
        {
            .name = "key cancel-deletion",
            .is_deed = true,
            .arguments = "VERSION",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "cancel the scheduled deletion of a master-key version",
            .text = "Cancels a scheduled deletion. The version is disabled afterwards; enable it "
                    "to use it.",
        },
    [COMMAND_KEY_PURGE] =
        {
            .name = "key purge",
            .is_deed = true,
            .arguments = "",
            .summary = "destroy the key material of versions past their deletion date",
            .text = "Removes the key material of every version whose deletion date is past from "
                    "the keyring and from the copy beside it. No other command does: such a "
                    "version counts as destroyed from its date on, and its material goes when "
                    "somebody says so. Says first which snapshots that concerns, and asks.\n\n"
                    "Needs the repository: when the clock is 40 days or more ahead of its newest "
                    "record, nothing is destroyed, unless --clock-is-right is given.",
        },
    [COMMAND_KEY_PASSPHRASE] =
        {
            .name = "key passphrase",
            .is_deed = true,
            .arguments = "",
            .summary = "seal a keyring under another passphrase",
            .text = "Asks for the new passphrase, or takes it from --new-passphrase-file, or makes "
                    "one with --generate-passphrase. The keys stay the same, and no snapshot is "
                    "touched. Copies of the keyring keep the passphrase they have: whoever has one "
                    "and knows that passphrase has the keys.",
            .example = "sealpoint key passphrase --generate-passphrase /root/new-passphrase",
        },
    [COMMAND_KEY_IMPACT] =
        {
            .name = "key impact",
            .arguments = "VERSION",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "list what could not be restored without a master-key version",
            .text = "Lists the snapshots that could not be restored if the version were not "
                    "there. Nothing is changed.",
        },
    [COMMAND_KEY_REWRAP] =
        {
            .name = "key rewrap",
            .is_deed = true,
            .arguments = "",
            .summary = "rewrap data keys with the active master-key versions",
            .text = "Unwraps the data key of every snapshot and wraps it with the active version "
                    "of every configured master key, so that an old version can go. The "
                    "snapshots' data is not touched. An interrupted run is completed by running "
                    "it again. With --dry-run every data key is opened and wrapped, but nothing "
                    "written: it says what the run would say.",
        },
    [COMMAND_WRITER_LIST] =
        {
            .name = "writer list",
            .arguments = "",
            .summary = "list who may write into the repository",
            .text = "Lists the writers that the root key has enrolled: since when, with which "
                    "roles, and the newest record of each. Role backup signs snapshots and key "
                    "states, retention tombstones of what has expired and checkpoints, keys "
                    "rewrapped data keys. No key is needed.",
        },
    [COMMAND_WRITER_REQUEST] =
        {
            .name = "writer request",
            .arguments = "",
            .summary = "ask for the right to write from this machine",
            .text = "Makes a signing key in the state directory of this machine, unless there is "
                    "one, and prints a request with its public half. Take that to where the root "
                    "key is, and give it to writer enrol. The signing key itself never leaves "
                    "this machine.",
            .example = "sealpoint writer request > request.json",
        },
    [COMMAND_WRITER_ENROL] =
        {
            .name = "writer enrol",
            .is_deed = true,
            .arguments = "REQUEST",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "let a machine write into the repository",
            .text = "REQUEST is a file that writer request printed. Signs, with the root key, "
                    "that its key may write, with the roles given by --role. Compare the writer's "
                    "id with what that machine says: who can replace the request can ask for a "
                    "key of his own.",
            .example = "sealpoint writer enrol request.json --root-key /media/root-key.json",
        },
    [COMMAND_WRITER_REVOKE] =
        {
            .name = "writer revoke",
            .is_deed = true,
            .arguments = "WRITER",
            .arguments_min = 1,
            .arguments_max = 1,
            .summary = "end a machine's right to write",
            .text = "WRITER is an id, or the first digits of one. Signs, with the root key, that "
                    "what it has signed so far counts and nothing more. When its key was stolen, "
                    "give the last record that is surely its own with --last: those behind it "
                    "are refused from then on, by name, until they are removed from the "
                    "repository.\n\nAsks first.",
        },
    [COMMAND_CONFIG] =
        {
            .name = "config",
            .arguments = "",
            .summary = "show every setting and where it comes from",
            .text = "Shows the effective value of every setting, and whether it is the default "
                    "or comes from the configuration file, the environment or an option.",
        },
    [COMMAND_HELP] =
        {
            .name = "help",
            .arguments = "[COMMAND]",
            .arguments_max = 2,
            .summary = "help for a command, the man page, or shell completions",
            .text = "Prints help for a command, or for all. With --man the man page, with "
                    "--completion the completions of a shell.",
            .example = "sealpoint help --completion bash "
                       "> /etc/bash_completion.d/sealpoint",
        },
    [COMMAND_VERSION] =
        {
            .name = "version",
            .arguments = "",
            .summary = "print the version",
            .text = "Prints the version of this release and of the format it writes.",
        },
};

#define TAKES(id) COMMAND_BIT(COMMAND_##id)
#define TAKES_ENVELOPE                                                                             \
    (TAKES(RESTORE) | TAKES(VERIFY) | TAKES(LS) | TAKES(CAT) | TAKES(EXPORT) | TAKES(KEY_REWRAP))
#define TAKES_YES                                                                                  \
    (TAKES(RESTORE) | TAKES(KEY_DISABLE) | TAKES(KEY_SCHEDULE_DELETION) | TAKES(KEY_PURGE) |       \
     TAKES(WRITER_REVOKE))
#define TAKES_ROOT (TAKES(WRITER_ENROL) | TAKES(WRITER_REVOKE))
#define TAKES_KEY                                                                                  \
    (TAKES(KEY_STATUS) | TAKES(KEY_CREATE) | TAKES(KEY_ROTATE) | TAKES(KEY_DISABLE) |              \
     TAKES(KEY_ENABLE) | TAKES(KEY_SCHEDULE_DELETION) | TAKES(KEY_CANCEL_DELETION) |               \
     TAKES(KEY_PURGE) | TAKES(KEY_PASSPHRASE) | TAKES(KEY_IMPACT))
#define TAKES_STAMP                                                                                \
    (TAKES(INIT) | TAKES(BACKUP) | TAKES(KEY_CHECK) | TAKES(KEY_CREATE) | TAKES(KEY_ROTATE) |      \
     TAKES(KEY_DISABLE) | TAKES(KEY_ENABLE) | TAKES(KEY_SCHEDULE_DELETION) |                       \
     TAKES(KEY_CANCEL_DELETION) | TAKES(KEY_PURGE) | TAKES(KEY_PASSPHRASE) | TAKES(KEY_REWRAP))
#define TAKES_KEYRING                                                                              \
    (TAKES_STAMP | TAKES(RESTORE) | TAKES(VERIFY) | TAKES(LS) | TAKES(CAT) | TAKES(EXPORT) |       \
     TAKES(KEY_STATUS) | TAKES(KEY_IMPACT))

static const struct option options[OPTION_COUNT] = {
    [OPTION_CONFIG] =
        {
            .name = "config",
            .letter = 'c',
            .argument = "FILE",
            .type = VALUE_FILE,
            .variable = "SEALPOINT_CONFIG",
            .default_words = "/etc/sealpoint/sealpoint.yaml, when it is there",
            .text = "The configuration file.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_REPOSITORY] =
        {
            .name = "repository",
            .letter = 'r',
            .argument = "DIR",
            .type = VALUE_DIR,
            .key = "repository",
            .variable = "SEALPOINT_REPOSITORY",
            .text = "Where the snapshots are kept.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_STATE_DIR] =
        {
            .name = "state-dir",
            .argument = "DIR",
            .type = VALUE_DIR,
            .key = "stateDir",
            .variable = "SEALPOINT_STATE_DIR",
            .default_words = "/var/lib/sealpoint for root, else $XDG_STATE_HOME/sealpoint or "
                             "~/.local/state/sealpoint",
            .text = "Where this machine keeps its signing key, its trust state, caches and locks.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_KEYRING] =
        {
            .name = "keyring",
            .letter = 'k',
            .argument = "FILE",
            .type = VALUE_FILE,
            .key = MASTER_KEY_LIST ".path",
            .variable = "SEALPOINT_KEYRING",
            .default_words = "keyring.json in the state directory",
            .text = "The file keyring: of the first configured master key of provider file, or "
                    "the only one.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_PASSPHRASE_FILE] =
        {
            .name = "passphrase-file",
            .letter = 'p',
            .argument = "FILE",
            .type = VALUE_FILE,
            .key = MASTER_KEY_LIST ".passphraseFile",
            .variable = "SEALPOINT_PASSPHRASE_FILE",
            .default_words = "ask on the terminal",
            .text =
                "A file that holds the keyring's passphrase (a newline at its end is not part of "
                "it), or fd:N for an open descriptor.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_NO_PASSPHRASE] =
        {
            .name = "no-passphrase",
            .type = VALUE_FLAG,
            .text = "Never ask for a passphrase. At init and key create: leave the keys of a new "
                    "keyring unencrypted, so that whoever can read its file can use them.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_GENERATE_PASSPHRASE] =
        {
            .name = "generate-passphrase",
            .argument = "FILE",
            .type = VALUE_FILE,
            .text = "Write a generated passphrase of 256 random bits into FILE, which must not be "
                    "there yet, and seal the keyring under it.",
            .commands = TAKES(INIT) | TAKES(KEY_CREATE) | TAKES(KEY_PASSPHRASE),
        },
    [OPTION_NEW_PASSPHRASE_FILE] =
        {
            .name = "new-passphrase-file",
            .argument = "FILE",
            .type = VALUE_FILE,
            .default_words = "ask on the terminal",
            .text = "A file that holds the new passphrase, or fd:N.",
            .commands = TAKES(KEY_PASSPHRASE),
        },
    [OPTION_NEW_KEYRING] =
        {
            .name = "new-keyring",
            .type = VALUE_FLAG,
            .text = "Accept the keyring that is there, though it is another or an older one than "
                    "this machine or the ledger knows, and remember it from now on.",
            .commands = TAKES_KEYRING,
        },
    [OPTION_ALLOW_MEMORY] =
        {
            .name = "allow-memory",
            .type = VALUE_FLAG,
            .text = "Open a keyring whose scrypt takes more than 128 MiB of memory.",
            .commands = TAKES_KEYRING,
        },
    [OPTION_CLOCK_IS_RIGHT] =
        {
            .name = "clock-is-right",
            .type = VALUE_FLAG,
            .text =
                "Believe this machine's clock: write (or, with key purge, destroy) although clock "
                "and newest record are more than 400 days apart.",
            .commands = TAKES_STAMP | TAKES(WRITER_ENROL) | TAKES(WRITER_REVOKE),
        },
    [OPTION_FINGERPRINT] =
        {
            .name = "fingerprint",
            .argument = "HEX",
            .type = VALUE_FINGERPRINT,
            .key = "fingerprint",
            .variable = "SEALPOINT_FINGERPRINT",
            .default_words = "what was seen first (trust on first use)",
            .text = "The repository's fingerprint, as init printed it. Give it on a new machine: "
                    "without it a repository that the keyring does not name, or names as one of "
                    "several, is trusted on first use at a terminal, and refused elsewhere.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_TRUST_NEW] =
        {
            .name = "trust-new",
            .type = VALUE_FLAG,
            .text =
                "Trust the repository that is there, once: one that this machine has never seen, "
                "or another one than its path has shown before. Compare its fingerprint first.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_JSON] =
        {
            .name = "json",
            .letter = 'j',
            .type = VALUE_FLAG,
            .key = "json",
            .variable = "SEALPOINT_JSON",
            .default_text = "false",
            .text = "Results as JSON.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_QUIET] =
        {
            .name = "quiet",
            .letter = 'q',
            .type = VALUE_FLAG,
            .key = "quiet",
            .variable = "SEALPOINT_QUIET",
            .default_text = "false",
            .text = "Print nothing on success, but for lists and --json. Warnings and errors are "
                    "printed all the same.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_VERBOSE] =
        {
            .name = "verbose",
            .letter = 'v',
            .type = VALUE_FLAG,
            .key = "verbose",
            .variable = "SEALPOINT_VERBOSE",
            .default_text = "false",
            .text = "Print more detail; where standard error is no terminal, also once a minute "
                    "how far a backup, restore or verify is. (SIGUSR1 always makes it say so.)",
            .commands = COMMANDS_ALL,
        },
    [OPTION_HELP] =
        {
            .name = "help",
            .letter = 'h',
            .type = VALUE_FLAG,
            .text = "Print help and exit.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_VERSION] =
        {
            .name = "version",
            .letter = 'V',
            .type = VALUE_FLAG,
            .text = "Print the version and exit.",
            .commands = COMMANDS_ALL,
        },
    [OPTION_SOURCE] =
        {
            .type = VALUE_DIR,
            .argument = "SOURCE",
            .key = "source",
            .variable = "SEALPOINT_SOURCE",
            .text = "The source of backup when the command line names none.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_WORKERS] =
        {
            .name = "workers",
            .argument = "N",
            .type = VALUE_NUMBER,
            .max = 64,
            .key = "workers",
            .variable = "SEALPOINT_WORKERS",
            .default_text = "0",
            .text = "Worker threads; 0 means one per processor.",
            .commands = TAKES(BACKUP) | TAKES(RESTORE) | TAKES(VERIFY),
        },
    [OPTION_DESCRIPTION] =
        {
            .name = "description",
            .letter = 'd',
            .argument = "TEXT",
            .type = VALUE_TEXT,
            .text = "A description, stored unencrypted with the snapshot.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_FULL] =
        {
            .name = "full",
            .type = VALUE_FLAG,
            .text = "Take a full base: begin a new chain and store everything.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_READ_ALL] =
        {
            .name = "read-all",
            .type = VALUE_FLAG,
            .text = "Also read files whose size and times are unchanged.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_ANY_DIRECTORY] =
        {
            .name = "any-directory",
            .type = VALUE_FLAG,
            .text =
                "Also back up a directory that is neither a whole dbpath nor one that mongodump "
                "wrote. An empty one is refused all the same.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_STREAM_NAME] =
        {
            .name = "stream-name",
            .argument = "NAME",
            .type = VALUE_TEXT,
            .default_text = "stream",
            .text = "The file name given to a stream from standard input.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_RETAIN] =
        {
            .name = "retain",
            .argument = "DURATION",
            .type = VALUE_DURATION,
            .default_text = "1d",
            .key = "retain",
            .variable = "SEALPOINT_RETAIN",
            .text = "How long the snapshot is kept: a number and s, min, h, d, w, mo (31 days) or "
                    "y (366); with never it never expires. Recorded as expiresAt.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_CHAIN_AGE] =
        {
            .name = "chain-age",
            .argument = "DURATION",
            .type = VALUE_DURATION,
            .key = "chain.age",
            .variable = "SEALPOINT_CHAIN_AGE",
            .default_text = "7d",
            .text = "When a chain of incremental snapshots is this old, the next one is a full "
                    "base.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_CHAIN_LENGTH] =
        {
            .name = "chain-length",
            .argument = "N",
            .type = VALUE_NUMBER,
            .max = 1000,
            .key = "chain.length",
            .variable = "SEALPOINT_CHAIN_LENGTH",
            .default_text = "28",
            .text = "When a chain has this many incremental snapshots, the next one is a full "
                    "base.",
            .commands = TAKES(BACKUP),
        },
    [OPTION_CHECKPOINT_EXPIRY] =
        {
            .name = "checkpoint-expiry",
            .argument = "DURATION",
            .type = VALUE_DURATION,
            .key = "checkpoint.expiry",
            .variable = "SEALPOINT_CHECKPOINT_EXPIRY",
            .default_text = "never",
            .text =
                "How long a checkpoint is good for, several times the pause between two backups: "
                "readers are warned when none came in time, for then an old state may be shown "
                "to them.",
            .commands = TAKES(BACKUP) | TAKES(KEY_CHECK) | TAKES(KEY_REWRAP),
        },
    [OPTION_TO] =
        {
            .name = "to",
            .argument = "DIR",
            .type = VALUE_DIR,
            .text = "The directory to restore into.",
            .commands = TAKES(RESTORE),
        },
    [OPTION_ONLY] =
        {
            .name = "only",
            .argument = "PATH",
            .type = VALUE_TEXT,
            .many = true,
            .text = "Restore only what lies at or below this path of the snapshot, or matches "
                    "this pattern (see ls); may be given more than once.",
            .commands = TAKES(RESTORE),
        },
    [OPTION_DELTA] =
        {
            .name = "delta",
            .type = VALUE_FLAG,
            .text =
                "The directory holds an older state: write only what differs, and remove "
                "what is not in the snapshot. Everything that is needed is read and checked "
                "first; then it asks, unless --yes is given. A file TARGET.sealpoint-incomplete "
                "is there until it is done.",
            .commands = TAKES(RESTORE),
        },
    [OPTION_KEEP_GOING] =
        {
            .name = "keep-going",
            .type = VALUE_FLAG,
            .text = "When a part of the repository is damaged or lost: leave out the files that "
                    "need it, name each, and go on with the rest; exit status 10. All that is "
                    "needed is read once before anything is written. Not with --delta.",
            .commands = TAKES(RESTORE) | TAKES(EXPORT),
        },
    [OPTION_RECORD] =
        {
            .name = "record",
            .argument = "FILE",
            .type = VALUE_FILE,
            .text =
                "Instead of SNAPSHOT, when the ledger does not open: the snapshot whose record "
                "lies in this file, as ledger/WRITER/NUMBER.json in the repository or in a copy "
                "of it. Its record, manifest, objects and key must be sound; that it was not "
                "deleted, and what else the ledger would say, is not checked, and is said.",
            .commands = TAKES(RESTORE),
        },
    [OPTION_NUMERIC_OWNER] =
        {
            .name = "numeric-owner",
            .type = VALUE_FLAG,
            .text = "As root: give files to the recorded user and group numbers. Without it to "
                    "the recorded names, and to the numbers only where a name is not known here.",
            .commands = TAKES(RESTORE),
        },
    [OPTION_OWNER] =
        {
            .name = "owner",
            .argument = "USER:GROUP",
            .type = VALUE_TEXT,
            .text = "As root: give all files to this user and group, each a name or a number.",
            .commands = TAKES(RESTORE),
        },
    [OPTION_DRY_RUN] =
        {
            .name = "dry-run",
            .letter = 'n',
            .type = VALUE_FLAG,
            .text = "Check everything but the contents, change nothing. With --read-data restore "
                    "reads and checks the contents too.",
            .commands = TAKES(RESTORE) | TAKES(KEY_REWRAP),
        },
    [OPTION_READ_DATA] =
        {
            .name = "read-data",
            .type = VALUE_FLAG,
            .text = "Read every object and compare its digest; verify needs no key for it. With "
                    "restore --dry-run: the objects that the restore needs, and every block.",
            .commands = TAKES(VERIFY) | TAKES(RESTORE),
        },
    [OPTION_DECRYPT] =
        {
            .name = "decrypt",
            .type = VALUE_FLAG,
            .text = "Open every object and compare every block; needs the master key.",
            .commands = TAKES(VERIFY),
        },
    [OPTION_SAMPLE] =
        {
            .name = "sample",
            .argument = "PERCENT",
            .type = VALUE_PERCENT,
            .default_text = "100%",
            .text = "Read only this share of the objects, chosen at random each time.",
            .commands = TAKES(VERIFY),
        },
    [OPTION_HEADS] =
        {
            .name = "heads",
            .argument = "REPORT",
            .type = VALUE_FILE,
            .text = "An earlier report, of --report or --json, perhaps of another machine: it must "
                    "be the same repository, what was seen must still be there, and what was "
                    "deleted since is named.",
            .commands = TAKES(VERIFY),
        },
    [OPTION_REPORT] =
        {
            .name = "report",
            .argument = "FILE",
            .type = VALUE_FILE,
            .text = "Also write the report to this file, in place of an older one: what was "
                    "verified when and how deep, the fingerprint, where each writer's records "
                    "end, the verdict on every snapshot, all damage. The same as --json prints.",
            .commands = TAKES(VERIFY),
        },
    [OPTION_ENVELOPE] =
        {
            .name = "envelope",
            .argument = "N",
            .type = VALUE_NUMBER,
            .max = 7,
            .default_text = "0",
            .text = "Which envelope of each data key to open: 0 is that of the recorded master "
                    "key, 1 that of the second configured one, and so on.",
            .commands = TAKES_ENVELOPE,
        },
    [OPTION_KEY] =
        {
            .name = "key",
            .argument = "N",
            .type = VALUE_NUMBER,
            .max = 7,
            .default_text = "0",
            .text = "Which of the configured master keys, counted from 0.",
            .commands = TAKES_KEY,
        },
    [OPTION_DAYS] =
        {
            .name = "days",
            .argument = "N",
            .type = VALUE_NUMBER,
            .min = KEY_DELETION_DAYS_LEAST,
            .max = KEY_DELETION_DAYS_MOST,
            .default_text = "30",
            .text = "The waiting time in days before the key material is destroyed, 7 to 30.",
            .commands = TAKES(KEY_SCHEDULE_DELETION),
        },
    [OPTION_YES] =
        {
            .name = "yes",
            .letter = 'y',
            .type = VALUE_FLAG,
            .text = "Do not ask for confirmation.",
            .commands = TAKES_YES,
        },
    [OPTION_ROOT_KEY] =
        {
            .name = "root-key",
            .argument = "FILE",
            .type = VALUE_FILE,
            .default_words = "root-key.json in the state directory of the repository",
            .text = "The repository's root key, as init made it.",
            .commands = TAKES_ROOT,
        },
    [OPTION_ROOT_PASSPHRASE_FILE] =
        {
            .name = "root-passphrase-file",
            .argument = "FILE",
            .type = VALUE_FILE,
            .default_words = "the keyring's passphrase",
            .text = "A file that holds the root key's own passphrase, or fd:N for an open "
                    "descriptor.",
            .commands = TAKES(INIT) | TAKES_ROOT,
        },
    [OPTION_ROLE] =
        {
            .name = "role",
            .argument = "ROLE",
            .type = VALUE_TEXT,
            .many = true,
            .default_words = "backup",
            .text = "What the writer may sign: backup, retention or keys; may be given more than "
                    "once.",
            .commands = TAKES(WRITER_ENROL),
        },
    [OPTION_LAST] =
        {
            .name = "last",
            .argument = "SEQ",
            .type = VALUE_NUMBER,
            .max = 9007199254740991,
            .default_words = "its newest record",
            .text = "The number of the writer's last record that counts.",
            .commands = TAKES(WRITER_REVOKE),
        },
    [OPTION_MAN] =
        {
            .name = "man",
            .type = VALUE_FLAG,
            .text = "Print the man page's source.",
            .commands = TAKES(HELP),
        },
    [OPTION_COMPLETION] =
        {
            .name = "completion",
            .argument = "SHELL",
            .type = VALUE_SHELL,
            .text = "Print the completions of a shell: bash, zsh or fish.",
            .commands = TAKES(HELP),
        },
};

static const struct master_key_setting master_key_settings[MASTER_KEY_MEMBERS] = {
    [MASTER_KEY_PROVIDER] = {"provider", true, false, "What keeps the master key: file."},
    [MASTER_KEY_PATH] = {"path", false, true, "The keyring of provider file."},
    [MASTER_KEY_PASSPHRASE_FILE] =
        {"passphraseFile", false, true,
         "A file that holds its passphrase, or fd:N; without it the terminal is asked."},
};

const struct command *command_at(size_t id)
{
    return &commands[id];
}

enum command_id command_id(const struct command *c)
{
    return (enum command_id)(c - commands);
}

const struct option *option_at(size_t id)
{
    return &options[id];
}

enum option_id option_id(const struct option *o)
{
    return (enum option_id)(o - options);
}

const struct master_key_setting *master_key_setting_at(size_t member)
{
    return &master_key_settings[member];
}
