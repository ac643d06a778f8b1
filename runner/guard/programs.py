"""How the arguments of well-known programs name machines: a table.

A line says what the operands of a program are, in their order, and which of its options take a value, by what the value
is (`Kind`). Only such options stand here: any other word with a hyphen is a switch, and takes no word after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from runner.lazy_dataclass import lazy_dataclass

#: What a word is to a program. `host`: a machine or an address of one, or several. `remote`: `machine:path`, else a file.
#: `command`: this word and all that follow are another command; `script`: joined, they are a line for a shell. `line`: it
#: is such a line by itself. `name`: a machine by a name of the program's own, such as a context. `assignment`: `NAME=value`.
#: `value`: anything else; `attached`: the same, without a blank before it. `plain`: what is never a machine by its form
#: alone, such as a file to write or a module; `code`: a program in another language. The others are forms of single programs, read
#: in `runner/guard/argument_hosts.py`.
Kind = Literal[
    "value",
    "attached",
    "plain",
    "code",
    "assignment",
    "host",
    "name",
    "remote",
    "command",
    "script",
    "line",
    "replicas",
    "endpoint",
    "share",
    "forward",
    "setting",
    "conninfo",
    "mongo",
    "resolve",
    "connect-to",
    "header",
    "query",
    "inventory",
    "pattern",
    "socat",
    "httpie",
    "image",
    "mounted",
    "oracle",
]


@lazy_dataclass(frozen=True, kw_only=True)
class Program:
    """`operands`: the last kind stands for all that follow. `closed`: its words are never machines by their form alone.

    `options`: option as it is written, with its hyphens → kind of its value.
    """

    operands: tuple[Kind, ...]
    options: Mapping[str, Kind]
    closed: bool = False


def program_of(name: str) -> Program | None:
    """What is known of a program, by the name of its file; with a blank of its subcommand, as in `docker exec`."""
    table, globs = _table()
    plain = name.removesuffix(".sh").removesuffix(".exe")
    if plain in table or " " in plain:
        return table.get(plain)
    return next((program for glob, program in globs if fnmatchcase(plain, glob)), None)


@cache
def _table() -> tuple[Mapping[str, Program], tuple[tuple[str, Program], ...]]:
    """Name → program, and those whose name has a `*`."""
    read: dict[str, Program] = {}
    for names, (operands, options) in _PROGRAMS.items():
        program = Program(operands=_kinds(operands), options=_options(options))
        read.update(dict.fromkeys(names.split(", "), program))
    closed = Program(operands=("value",), options={}, closed=True)
    read.update(dict.fromkeys(_CLOSED.split(), closed))
    for names, (operands, options) in _CLOSED_PROGRAMS.items():
        program = Program(operands=_kinds(operands), options=_options(options), closed=True)
        read.update(dict.fromkeys(names.split(", "), program))
    return read, tuple((name, program) for name, program in read.items() if "*" in name)


def _kinds(written: str) -> tuple[Kind, ...]:
    return tuple(written.split())  # type: ignore[arg-type]  # a test holds every word of the table against Kind


def _options(written: str) -> dict[str, Kind]:
    """`host: -h --host; value: -pU` → option → kind. Letters behind one hyphen are that many options, unless `=` ends them."""
    options: dict[str, Kind] = {}
    for part in filter(None, written.split("; ")):
        kind, _, names = part.partition(": ")
        for name in names.split():
            short = name.startswith("-") and not name.startswith("--") and not name.endswith("=")
            for option in [f"-{letter}" for letter in name[1:]] if short else [name.removesuffix("=")]:
                options[option] = kind  # type: ignore[assignment]  # as above
    return options


_CURL_PLAIN = (
    "-AbcDEKouwXm --user-agent --cookie --cookie-jar --dump-header --cert --config --output --output-dir --user --write-out"
    " --request --cacert --capath --key --netrc-file --proxy-user --max-time"
)
_CURL_VALUES = (
    "-CFYPUQreyTtzd"
    " --abstract-unix-socket --alt-svc --aws-sigv4 --cacert --capath --cert --cert-type --ciphers --config"
    " --connect-timeout --continue-at --cookie --cookie-jar --create-file-mode --crlfile --curves --data --data-ascii"
    " --data-binary --data-raw --data-urlencode --delegation --dns-interface --dns-ipv4-addr --dns-ipv6-addr --engine"
    " --etag-compare --etag-save --expect100-timeout --form --form-string --ftp-account --ftp-alternative-to-user"
    " --ftp-method --ftp-port --happy-eyeballs-timeout-ms --hostpubmd5 --hostpubsha256 --hsts --interface --json"
    " --keepalive-time --key --key-type --krb --libcurl --limit-rate --local-port --login-options --mail-auth"
    " --mail-from --mail-rcpt --max-filesize --max-redirs --max-time --netrc-file --noproxy --oauth2-bearer --output"
    " --output-dir --parallel-max --pass --pinnedpubkey --proto --proto-default --proto-redir --proxy-cacert"
    " --proxy-capath --proxy-cert --proxy-ciphers --proxy-header --proxy-key --proxy-pass --proxy-user --pubkey --quote"
    " --range --rate --referer --request --request-target --retry --retry-delay --retry-max-time --sasl-authzid"
    " --service-name --speed-limit --speed-time --stderr --telnet-option --tftp-blksize --time-cond --tls-max"
    " --tls13-ciphers --tlsauthtype --tlspassword --tlsuser --trace --trace-ascii --unix-socket --upload-file"
    " --url-query --user --user-agent --write-out --variable --proxy-cert-type --proxy-key-type --ech"
)
_WGET_VALUES = (
    "-eitTwQlARDIX --execute --input-file --tries --timeout --wait"
    " --waitretry --quota --bind-address --limit-rate --user --password --directory-prefix --http-user --http-password"
    " --header --user-agent --referer --post-data --post-file --method --body-data --body-file --certificate"
    " --private-key --ca-certificate --ca-directory --load-cookies --save-cookies --level --accept --reject --domains"
    " --connect-timeout --read-timeout --dns-timeout --config --max-redirect --progress --proxy-user --proxy-password"
)
_SSH_VALUES = "-BbcDEeFIilmOpPQSw"
_PG = (
    "host: -h --host; conninfo: -d --dbname; value: --port --username --command --file --set --variable --output --table"
    " --format --pset --field-separator --record-separator --log-file --role --schema --exclude-table --exclude-schema"
    " --jobs --client --time --transactions --timeout"
)
_MYSQL = (
    "host: -h --host; attached: -p; value: -uPSDeT --user --port --socket --database --execute --protocol --defaults-file"
    " --defaults-extra-file --login-path --default-character-set --tables --where --result-file"
)
_MONGO = (
    "replicas: --host -h; mongo: --uri; value: -updcoqf --port --username --password --authenticationDatabase --db"
    " --collection --out --query --file --eval --tlsCAFile --tlsCertificateKeyFile --authenticationMechanism"
)
_KAFKA = (
    "host: --bootstrap-server --broker-list --zookeeper --bootstrap-controller; value: --topic --group --partitions"
    " --replication-factor --config --command-config --producer.config --consumer.config --from --to --num-records"
)
_HTTP_LOAD = (
    "header: -H --header; value: -ncztdmTAauUpPxqkCXbsrRoeDwB -duration --duration --rate --connections --threads"
)
_KUBECTL = "host: -s --server --kube-apiserver --proxy-url; value: -nlfocpLR --namespace --context --kube-context"
_ANSIBLE = (
    "inventory: -i --inventory --inventory-file; pattern: -l --limit; line: -a --args; value: -mutefMTPBc --module-name --user"
    " --tags --skip-tags --extra-vars --forks --private-key --key-file --become-user --connection --vault-password-file"
)

#: Programs, `, ` between them → their operands, and their options.
_PROGRAMS: dict[str, tuple[str, str]] = {
    # What runs another command, with words of its own before it.
    "sudo, doas": ("command", "host: -h --host; value: -ugpCDRrTUt --user --group --chdir --prompt --close-from"),
    "env": ("command", "value: -uC --unset --chdir; line: -S --split-string"),
    "timeout": ("value command", "value: -ks --kill-after --signal"),
    "nohup, setsid, time, exec, command, builtin, busybox, unbuffer, tini, dumb-init, proxychains, proxychains4, torsocks": (
        "command",
        "value: -afo",
    ),
    "nice": ("command", "value: -n --adjustment"),
    "ionice": ("command", "value: -cnptu"),
    "stdbuf": ("command", "value: -ioe"),
    "chrt, taskset, gosu, su-exec, setarch, faketime": ("value command", ""),
    "cgexec": ("command", "value: -g"),
    "xargs": ("command", "value: -IinLPsdEa --max-args --max-procs --max-lines --delimiter --arg-file --replace"),
    "parallel": ("command", "host: -S --sshlogin; value: -jaIN --jobs --arg-file --colsep --results --joblog"),
    "watch": ("script", "value: -n --interval"),
    "strace, ltrace, perf": ("command", "value: -eopsSPu"),
    "flock": ("value command", "line: -c --command; value: -wE --timeout"),
    "runuser, su": ("value", "line: -c --command --session-command; value: -sgG --shell --group"),
    "chroot": ("value command", "value: --userspec --groups"),
    "nsenter, unshare": ("command", "value: -tSGrwR --target --setuid --setgid --root --wd"),
    "ip netns exec": ("value command", ""),
    "systemd-run": (
        "command",
        "host: -H --host; value: -pMuE --property --machine --unit --slice --uid --gid --setenv",
    ),
    "script": ("value", "line: -c --command; value: -EIOBTmo"),
    "sshpass": ("command", "value: -pfdP"),
    "sh, bash, dash, zsh, ksh, ash": ("line", "value: -oO --rcfile --init-file"),
    "eval": ("script", ""),
    "retry": ("command", "value: -tdm --times --delay"),
    "docker exec, docker compose exec, docker-compose exec, podman exec, nerdctl exec": (
        "value command",
        "assignment: -e --env; value: -uw --user --workdir --env-file --index --detach-keys",
    ),
    "docker run, podman run, nerdctl run, docker compose run": (
        "value command",
        "assignment: -e --env; value: -vpuwlmh --name --volume --publish --network --net --user --workdir --entrypoint --env-file"
        " --label --memory --cpus --mount --hostname --restart --platform --add-host --cap-add --ulimit --ipc --pid",
    ),
    "gcloud, gcloud compute, ip, ip netns, fortio": ("value", "value: -cn --project --zone"),
    "git": ("plain", "value: -Cc; plain: -m --message --author --format"),
    "openssl": ("value", "plain: -subj= -addext= -in= -out= -key= -CA= -CAkey="),
    "python, python2, python3, python3.*, pypy, pypy3": ("command", "plain: -m; code: -c; value: -WX"),
    "expect": ("value", "line: -c; value: -fb"),
    # Other machines, by name.
    "ssh, autossh, slogin, rsh": ("host script", f"host: -J -W; forward: -L -R; setting: -o; value: {_SSH_VALUES}M"),
    "mosh": ("host command", "line: --ssh; value: -p --port --server --client"),
    "ssh-copy-id": ("host", "setting: -o; value: -ipFt"),
    "ssh-keyscan": ("host", "value: -fptTO"),
    "scp": ("remote", "host: -J; setting: -o; value: -cDFilPSX"),
    "sftp": ("host", "host: -J; setting: -o; value: -BbcDFilPRSsX"),
    "rsync": (
        "remote",
        "line: -e --rsh; value: -fBTM --exclude --include --exclude-from --include-from --files-from --bwlimit --timeout"
        " --port --password-file --log-file --rsync-path --filter --chmod --chown --backup-dir --partial-dir --temp-dir",
    ),
    "rcp, unison, duplicity, sshfs, rclone": ("remote", "value: -opPF --config"),
    "pssh, parallel-ssh, pscp, prsync": ("script", "host: -H --host; value: -hlpotOxPe"),
    "pdsh, clush, pdcp": ("script", "host: -wx; value: -lutfgR"),
    "telnet, rlogin, tftp, ftp": ("host value", "value: -lnb"),
    "nc, ncat, netcat, nc.openbsd, nc.traditional": (
        "host value",
        "host: -x --proxy; line: -ec --exec --sh-exec; value: -IiOPpqsTVWwXm --wait --source --source-port",
    ),
    "lftp, ntpdate, rdesktop, vncviewer": ("host value", "value: -eupgstv"),
    "smbclient": ("share", "host: -IL; value: -ucUWDApm"),
    "snmp*": ("host value", "value: -vculaAxXnertm"),
    "socat, socat1": ("socat", "value: -btTL"),
    "ping, ping6, fping, arping, traceroute, traceroute6, tracepath, mtr, tcptraceroute, hping3, nping": (
        "host",
        "value: -cIiMmpQSstTWwlfqQNgjz -count --count --interval --port --rate",
    ),
    "nmap, masscan, zmap": ("host", "value: -peioTDSgm -oN= -oX= -oG= -oA= --script --rate --max-rate --top-ports"),
    "iperf, iperf3, netperf": ("value", "host: -cH --client; value: -ptilbnPwMBf --port --time"),
    "dig, kdig, drill, delv": ("query", "value: -bcfkmpqtxy"),
    "nslookup, host": ("value host", "value: -tcRWN"),
    "whois, finger": ("value", "host: -h --host; value: -p"),
    "openssl s_client, openssl s_time": (
        "value",
        "host: -connect= -proxy= -host=; value: -servername= -CAfile= -cert= -key=",
    ),
    "wait-for-it, wait-for, waitforit": ("host command", "host: -h --host; value: -tp --timeout --port"),
    "dockerize, tcping, wscat, websocat": ("host", "host: -wait= --wait --connect -c; value: -timeout= --timeout -H"),
    "gcloud compute ssh, gcloud compute reset": ("name", "line: --command; value: --zone --project"),
    "gcloud compute scp": ("remote", "value: --zone --project"),
    # The web.
    "curl": (
        "host",
        "host: -x --proxy --preproxy --url --socks4 --socks4a --socks5 --socks5-hostname --proxy1.0 --dns-servers --doh-url;"
        f" resolve: --resolve; connect-to: --connect-to; header: -H --header; value: {_CURL_VALUES}; plain: {_CURL_PLAIN}",
    ),
    "wget, wget2": (
        "host",
        f"header: --header; host: -B --base; value: {_WGET_VALUES};"
        " plain: -OoaPU --output-document --output-file --append-output --directory-prefix --user-agent --user",
    ),
    "http, https, xh, xhs": (
        "httpie",
        "host: --proxy; value: -aAosp --auth --auth-type --output --session --timeout --print",
    ),
    "ab, hey, wrk, wrk2, oha, bombardier, siege, autocannon, links, lynx, w3m, aria2c, httping": ("host", _HTTP_LOAD),
    "fortio load, fortio curl": ("host", "value: -qps= -c= -t= -n= -H= -payload= -timeout="),
    "grpcurl": ("host value", "value: -dHI -proto= -import-path= -cacert= -cert= -key= -max-time= -authority="),
    "k6, artillery": (
        "value",
        "host: -t --target --address -a; assignment: -e --env; value: -ioud --vus --duration --out",
    ),
    "locust": (
        "value",
        "host: -H --host --master-host; value: -futrLPic --web-host --locustfile --users --spawn-rate --run-time",
    ),
    "git remote, git submodule": ("value value remote", "value: -tmb"),
    "git clone, git fetch, git pull, git push, git ls-remote": ("remote", "value: -boucj --branch --depth --origin"),
    # Databases and queues.
    "psql, pgcli": ("conninfo value", f"{_PG} -cfFLoPpRTUv"),
    "pgbench": ("conninfo", f"{_PG} -cjTtfsPpRDUML"),
    "createdb, dropdb, createuser, dropuser": ("value", f"{_PG} -pUDeEloTOcgmr"),
    "vacuumdb, reindexdb, clusterdb, pg_*": ("conninfo", f"{_PG} -fFjnNtTUpZSEeLDXlR"),
    "mysql, mysql*, mariadb, mariadb-*, mycli": ("value", _MYSQL),
    "redis-cli, valkey-cli, keydb-cli, redis-benchmark": (
        "endpoint",
        "host: -hu; value: -panrisDdxXtcP --user --pass --port --sni --cacert --cert --key --pipe-timeout --count",
    ),
    "mongosh, mongo": ("mongo value", _MONGO),
    "mongo*": ("value", _MONGO),
    "cqlsh": ("host value", "value: -ukfe --username --password --keyspace --file --execute --cqlshrc"),
    "clickhouse-client, influx, cockroach": (
        "value",
        "host: -h --host -host= --url; value: -udqpe --port --user --password --database --query --execute",
    ),
    "sqlplus, rman, expdp, impdp": ("oracle value", ""),
    "sqlcmd": ("value", "host: -S; value: -UPdQqiovthswl"),
    "etcdctl": ("value", "host: --endpoints; value: --cacert --cert --key --user --command-timeout --dial-timeout"),
    "consul, vault, nomad": ("value", "host: -http-addr= -address= -server=; value: -token= -namespace= -datacenter="),
    "kafka-*": ("value", _KAFKA),
    "kcat, kafkacat": ("value", "host: -b; value: -tpocKDXGFf"),
    "rabbitmqctl, rabbitmq-*": ("value", "host: -n --node; value: -ptl --vhost --timeout --longnames"),
    "rabbitmqadmin": ("value", "host: -H --host; value: -PVupNcf --port --vhost --username --password --config"),
    "amqp-publish, amqp-consume, amqp-get": ("value", "host: -su --server --url; value: -erbqC --port --body --queue"),
    "nats": ("value", "host: -s --server; name: --context; value: --user --password --creds --nkey --timeout"),
    "mosquitto_*": ("value", "host: -h -L --host --url; value: -tmpuPiqfV --topic --message --port --username --pw"),
    "zkCli": ("value", "host: -server=; value: -timeout="),
    "ldap*": ("value", "host: -Hh; value: -DwybsplaEeofz"),
    "memcached-tool, memcstat, memcflush": ("host value", "host: --servers"),
    "toxiproxy-cli": ("value", "host: -hlu --host --listen --upstream; value: -tnA --type --toxicName --attribute"),
    # Whole machines and clusters.
    "ansible": ("pattern", _ANSIBLE),
    "ansible-playbook, ansible-console, ansible-pull": ("value", _ANSIBLE),
    "knife ssh": ("name script", "value: -xPia"),
    "knife": ("value", "value: -c"),
    "salt, salt-ssh": ("pattern value line", "value: -tcGECNIS --timeout --out"),
    "fab": ("value", "host: -H --hosts; value: -iuf"),
    "virsh": ("value", "host: -c --connect"),
    "ipmitool": ("value", "host: -H; value: -IUPfpLCky"),
    "aws": ("value", "host: --endpoint-url --proxy; value: --region --profile --output --query --ca-bundle"),
    "mount": ("mounted value", "value: -toOLU --types --options"),
    "showmount, rpcinfo": ("host value", ""),
    "jmeter": ("value", "host: -RH --remotestart --proxyHost; value: -tlJGPjLpqe"),
}

#: The same for programs whose other words belong to a vocabulary of their own.
_CLOSED_PROGRAMS: dict[str, tuple[str, str]] = {
    "kubectl, oc, helm, istioctl, linkerd, argocd, flux, cilium, kubeadm": ("value", _KUBECTL),
    "kubectl exec, oc exec, oc rsh": ("value command", _KUBECTL + " --container --filename"),
    "kubectl run, kubectl debug, oc run, oc debug": (
        "value command",
        _KUBECTL + " --image --env --labels --overrides --restart --target --port",
    ),
    "export, declare, local, readonly, typeset": ("assignment", ""),
    "docker, podman, nerdctl, docker-compose, docker compose": (
        "value",
        "host: -H --host --url; name: -c --context; value: -lf --log-level",
    ),
    "docker push, docker login, podman push, podman login, nerdctl push, nerdctl login": (
        "image",
        "value: -up --username --password",
    ),
    "celery": (
        "value",
        "host: -b --broker -d --destination; value: -AnQclf --app --hostname --queues --concurrency --loglevel",
    ),
    "logger": ("value", "host: -n --server; value: -tpfPu --tag --priority --port"),
    "systemctl, hostnamectl, timedatectl, loginctl, journalctl": (
        "value",
        "host: -H --host; value: -MtpnosuS --machine --type --property --unit --since",
    ),
}

#: Programs that call nobody.
_CLOSED = """
echo printf true false test [ [[ : cd for case select set unset shift trap wait exit return sleep date cat tac head tail grep egrep
fgrep sed awk gawk jq yq cut tr sort uniq wc tee diff cmp ls mktemp chmod chown tar
gzip gunzip zip unzip dd truncate fallocate sync kill pkill killall pgrep ps pidof service supervisorctl initctl sysctl
stress stress-ng ulimit which type man apt apt-get yum dnf apk pip npm umount losetup mkfs modprobe crontab id whoami
cp mv rm rmdir mkdir touch ln install make mail mailx mutt sqlite3 ssh-keygen gunicorn uvicorn hypercorn flask django-admin pm2 pytest
gpg nmcli mvn gradle
groups useradd userdel usermod passwd basename dirname realpath readlink seq expr yes sha256sum md5sum base64 uname
"""
