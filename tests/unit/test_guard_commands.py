"""Which machines a command reaches, read as its program reads its words; and what is none, though it looks like one."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from guard_samples import LOCAL, STAGING, command, plan_of, said
from hypothesis import given
from hypothesis import strategies as st

from runner.guard.command_hosts import reached_by
from runner.guard.hosts import unseen_hosts
from runner.guard.mentions import hosts_in, named_hosts
from runner.guard.programs import Kind, _table


def _reached(line: str) -> list[str]:
    return [each.host for each in reached_by({"path": "sh", "arguments": ["-c", line]}, {})]


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        # Other machines, by name.
        ("ssh web1 systemctl stop shop", "web1"),
        ("/usr/bin/ssh -p 22 -i ~/.ssh/key.pem -l root -tt web1 ls -l", "web1"),
        ("ssh -p22 ana@web1", "web1"),
        ("ssh ssh://ana@web1:22/", "web1"),
        ("ssh 2001:db8::1", "2001:db8::1"),
        ("ssh -J jump,ana@next:22 web1", "jump next web1"),
        ("ssh -oProxyJump=jump -o 'HostName real' -o StrictHostKeyChecking=no web1", "jump real web1"),
        ("ssh -o ProxyCommand='nc -x px:1080 %h %p' web1", "px web1"),
        ("ssh -W inner:22 jump", "inner jump"),
        ("ssh -fNL 5432:db1:5432 -R 80:[2001:db8::1]:80 -D 1080 web1", "db1 2001:db8::1 web1"),
        ("ssh web1 'ssh web2 ls; curl web3'", "web1 web2 web3"),
        ("ssh web1 -- rm -rf /srv", "web1"),
        ("scp -P 22 -r dump.sql root@web1:/tmp", "web1"),
        ("scp web1:/etc/hosts [2001:db8::1]:x", "web1 2001:db8::1"),
        ("scp ./a:b c", ""),
        ("sftp -i key ana@web1:inbox", "web1"),
        ("rsync -avz -e 'ssh -J jump' --exclude x.py src/ web1:dst", "jump web1"),
        ("rsync src/ web1::module", "web1"),
        ("mosh ana@web1 -- top", "web1"),
        ("ssh-copy-id -i key web1", "web1"),
        ("pssh -H 'web1 web2' uptime", "web1 web2"),
        ("ansible web1 -i web1,web2, -m ping", "web1 web2"),
        ("ansible all -i inventory.ini -m ping", ""),
        ("ansible-playbook -l web1 -i inventory site.yml", "web1"),
        ("gcloud compute ssh web1 --zone z --command 'curl web2'", "web1 web2"),
        ("systemctl -H root@web1 stop shop", "web1"),
        ("git clone git@web1:shop/app.git", "web1"),
        ("git push origin main", ""),
        # Bare connections.
        ("nc -zv -w 3 web1 22", "web1"),
        ("nc -x proxy1:3128 web1 22", "proxy1 web1"),
        ("telnet web1 25", "web1"),
        ("socat - TCP:web1:80", "web1"),
        ("socat TCP-LISTEN:8080,fork EXEC:'ssh web1'", "web1"),
        ("ping -c3 -W 1 web1", "web1"),
        ("dig @ns1 +short a", "ns1"),
        ("openssl s_client -connect web1:443 -servername shop", "web1"),
        ("wait-for-it db1:5432 -t 30 -- curl web1", "db1 web1"),
        ("echo x > /dev/tcp/web1/80", "web1"),
        ("exec 3<>/dev/udp/10.0.0.9/53", "10.0.0.9"),
        # The web.
        ("curl -X DELETE -o out.json -d @body.json -m 3 web1/chaos", "web1"),
        ("curl -sSfLm3 web1:8080", "web1"),
        ("curl --resolve shop:443:10.0.0.9 https://shop/", "shop 10.0.0.9"),
        ("curl --connect-to shop:80:web1:8080 http://shop/", "shop web1"),
        ("curl --connect-to ::web1: http://shop/", "web1 shop"),
        ("curl -x proxy1:3128 http://shop/", "proxy1 shop"),
        ("curl --proxy=proxy1:3128 --url web1", "proxy1 web1"),
        ("curl -H 'Host: prod' -H 'Accept: a/b' http://127.0.0.1/", "prod 127.0.0.1"),
        ("wget -qO- --post-data x=1 web1/chaos", "web1"),
        ("http POST web1/chaos name=x Accept:text/plain", "web1"),
        ("hey -n 10 -c 2 http://web1/", "web1"),
        ("grpcurl -d '{}' -plaintext web1:50051 shop.Checkout/Fail", "web1"),
        ("locust -f load.py -H http://web1 -u 5", "web1"),
        # Databases and queues.
        ("psql -h db1 -U shop -c 'select 1' shop", "db1"),
        ("psql -hdb1 shop", "db1"),
        ("psql 'host=db1 dbname=shop'", "db1"),
        ("psql postgresql://u:p@db1:5432,db2/shop", "db1 db2"),
        ("psql 'postgresql:///shop?host=db1&port=5432'", "db1"),
        ("psql -d 'host=db1,db2 user=x'", "db1 db2"),
        ("psql shop ana", ""),
        ("psql service=shop", ""),
        ("pg_dump -Fc -f out --host=db1 shop", "db1"),
        ("pg_isready -h /var/run/postgresql", ""),
        ("PGHOST=db1 PGPORT=5432 psql shop", "db1"),
        ("mysql -hdb1 -phunter2 -e 'select 1' shop", "db1"),
        ("mysqladmin -u root --host db1 shutdown", "db1"),
        ("mariadb-dump -h db1 shop", "db1"),
        ("redis-cli -h db1 -p 6379 -a x flushall", "db1"),
        ("redis-cli -u redis://:x@db1:6379", "db1"),
        ("redis-cli --cluster call db1:6379 PING", "db1"),
        ("redis-cli shutdown nosave", ""),
        ("mongosh 'mongodb://u:p@db1:27017,db2:27017/shop?replicaSet=r'", "db1 db2"),
        ("mongosh db1:27017/shop", "db1"),
        ("mongosh shop", ""),
        ("mongodump --host rs0/db1:27017,db2:27017 --db shop", "db1 db2"),
        ("cqlsh -u x db1 9042", "db1"),
        ("kafka-topics.sh --bootstrap-server k1:9092,k2:9092 --list", "k1 k2"),
        ("kcat -b k1 -L", "k1"),
        ("etcdctl --endpoints=e1:2379,e2:2379 get x", "e1 e2"),
        ("rabbitmqctl -n rabbit@q1 stop_app", "q1"),
        ("curl amqp://q1:5672/vhost", "q1"),
        ("mosquitto_pub -h q1 -t a -m b", "q1"),
        # Clusters and containers.
        ("kubectl --server https://c1:6443 get pods", "c1"),
        ("kubectl -s c1 get pods", "c1"),
        ("kubectl exec -n shop web-0 -c app -- curl http://web1/", "web1"),
        ("helm --kube-apiserver https://c1 list", "c1"),
        ("docker -H tcp://c1:2375 ps", "c1"),
        ("docker -H unix:///var/run/docker.sock ps", ""),
        ("docker -H ssh://c1 restart shop", "c1"),
        ("docker --context c1 ps", "c1"),
        ("DOCKER_HOST=tcp://c1:2375 docker ps", "c1"),
        ("export DOCKER_HOST=c1; docker ps", "c1"),
        ("docker exec -it shop psql -h db1", "db1"),
        ("docker run --rm -e PGHOST=db1 img:1 sh -c 'curl web1'", "db1 web1"),
        ("docker push registry.example.com/app:1", "registry.example.com"),
        ("aws --endpoint-url http://s1 s3 ls", "s1"),
        # What runs another command.
        ("sudo -u ana ssh web1", "web1"),
        ("env -i A=b -u C ssh web1", "web1"),
        ("timeout -k 5 10 nohup nice -n 5 ionice -c 3 ssh web1", "web1"),
        ("sshpass -p secret ssh web1", "web1"),
        ("find . -name x -exec scp {} web1:/tmp ;", "web1"),
        ("flock /tmp/lock ssh web1", "web1"),
        ("su - postgres -c 'psql -h db1'", "db1"),
        ("bash -lc 'cd /srv && ssh web1 ls'", "web1"),
        ("sh -ec \"sh -c 'ssh web1'\"", "web1"),
        ("our-wrapper --fast ssh web1", "web1"),
        ("if ! ssh web1 true; then ssh web2 true; fi", "web1 web2"),
        ('X=$(ssh web1 cat x) && echo "$(ssh web2 cat x)"', "web1 web2"),
        ("HOST=web1; ssh root@$HOST; curl http://${HOST}:80/", "web1"),
        ('export HOST=web1 && sh -c "ssh $HOST"', "web1"),
        ("for h in web1 web2; do ssh $h ls; curl http://$h/; done", "web1 web2"),
        ("pdsh -w web1,web2 uptime", "web1 web2"),
        ("docker-compose exec -T db psql -h db1", "db1"),
        ("rclone sync src web1:bucket", "web1"),
        ("smbclient //web1/share -c ls", "web1"),
        ("our-tool --host web1 --base-url=web2 SERVER=web3", "web1 web2 web3"),
        ("java -Dhost=web1 -jar shop.jar", "web1"),
        ("curl -fsS 'http://{web1,web2.example.com}/x'", "web1 web2.example.com"),
        ("expect -c 'spawn ssh web1'", "web1"),
        ("ansible web1 -m shell -a 'curl web2'", "web1 web2"),
        ("salt web1 cmd.run 'ssh web2 ls'", "web1 web2"),
        ("pssh -H web1 ssh web2 ls", "web1 web2"),
        ("python3 -m locust --host web1", "web1"),
        ("python3 tool.py --url=web1 SERVER=web2", "web1 web2"),
        ("python3 -c \"connect('prod.example.com')\"", "prod.example.com"),
        ("gcloud compute ssh ops@web1", "web1"),
        ("git remote add copy web1:shop.git", "web1"),
        ("mount -t cifs //web1/share /mnt", "web1"),
        ("mount -t nfs web1:/export /mnt", "web1"),
        ("mount -o remount,ro /srv", ""),
        ("showmount -e web1", "web1"),
        ("sqlplus ana/x@//db1:1521/shop", "db1"),
        # A machine stays one beside what only looks like it.
        ("curl -o shop.example.com http://shop.example.com/", "shop.example.com"),
        ("curl -u ana@mail.example.com:x prod.example.com", "prod.example.com"),
        ("sh -c 'curl -A shop.dev/1 localhost; our-tool shop.dev'", "localhost shop.dev"),
        ("our-tool root@prod.example.com", "prod.example.com"),
    ],
)
def test_a_command_reaches_what_its_program_would(line: str, hosts: str) -> None:
    assert sorted(_reached(line)) == sorted(hosts.split())


@pytest.mark.parametrize(
    "arguments",
    [["-p", "22", "web1", "ls"], {"-p": "22", "web1": "ls"}, "-p 22 web1 ls"],
)
def test_arguments_of_a_process_may_be_written_in_three_ways(arguments: Any) -> None:
    provider = {"type": "process", "path": "ssh", "arguments": arguments}
    assert "break it: 'web1' is not among the hosts that target local allows" in said(plan_of(LOCAL, provider))


@pytest.mark.parametrize(
    "line",
    [
        "ssh $HOST ls",
        "ssh root@${HOST} ls",
        'ssh "$(cat host)" ls',
        "ssh `cat host` ls",
        "curl -s $HOST/x",
        "curl http://$HOST:80/x",
        "psql -h $HOST shop",
        "for h in $(cat hosts); do ssh $h ls; done",
        "N=web1 ssh $N ls",
        "ssh ${HOST:-web1} ls",
        "curl http://${HOST:-web1}/",
        "cat hosts | xargs ssh",
        "cat hosts | xargs -I{} ssh {} ls",
        "exec 3<>/dev/tcp/$HOST/80",
        "curl http://web-$N.example.com/",
        "our-tool shop.example.com$N",
    ],
)
def test_a_machine_that_only_the_shell_knows_is_said_to_be_unseen(line: str) -> None:
    plan = plan_of(LOCAL, {"type": "process", "path": "bash", "arguments": ["-c", line.replace("${", "$${")]})
    assert said(plan) == ""
    (remark,) = unseen_hosts(plan)
    assert remark.startswith("experiments/e.yaml: break it: which machine ")
    assert remark.endswith("cannot be seen")


def test_what_the_target_or_the_configuration_says_is_put_in() -> None:
    for line, host in (
        ("curl $TARGET_URL/x", ""),
        ("curl ${base}/x", "'prod.example.com'"),
        ("ssh $TARGET_NAME", "'stage'"),
    ):
        document = {"configuration": {"base": "https://prod.example.com"}}
        plan = plan_of(STAGING, {"type": "process", "path": "sh", "arguments": ["-c", line]}, document=document)
        assert (host in said(plan)) if host else (said(plan) == "")
        assert list(unseen_hosts(plan)) == []
    # What the found target says is known only then.
    plan = plan_of(LOCAL, command("sh", "-c", "curl $TARGET_URL/x"))
    assert (said(plan), list(unseen_hosts(plan))) == ("", [])


@pytest.mark.parametrize(
    "text",
    [
        "networking.istio.io/v1alpha3",
        "apps/v1",
        "batch.example.com/v1beta1",
        "virtualservices.networking.istio.io",
        "virtualservice.networking.istio.io/reviews",
        "networkchaos.chaos-mesh.org/slow",
        "ingresses.networking.k8s.io",
        "app.kubernetes.io/name",
        "app.kubernetes.io/name=web,tier in (a, b)",
        "example.com/role=db",
        "example.com/role != db",
        "team.example.com/owner: shop",
        "registry.example.com/app:1.2.3",
        "registry.example.com:5000/team/app:latest",
        "ghcr.io/acme/app@sha256:0123456789abcdef",
        "application/vnd.api+json",
        "text/html; charset=utf-8",
        "runner.guard.hosts",
        "config.yaml",
        "docker-compose.override.yml",
        "1.2.3",
        "v1.2.3-rc.1",
        "$.data.items[*].status.info",
        "{.status.info}",
        "[?(@.labels.app)]",
        ".card.com",
        "^web-[0-9]+\\.local$",
        "a.b.com()",
        "12:30:45",
    ],
)
def test_what_other_vocabularies_say_is_no_machine(text: str) -> None:
    assert hosts_in(text) == []
    provider = {"type": "python", "module": "os.path", "func": "join", "arguments": {"a": text}}
    assert said(plan_of(LOCAL, provider, command("python3", text), command("echo", "delete", text))) == ""


@pytest.mark.parametrize("name", ["url", "host", "base_url", "endpoint", "apiServer", "PGHOST", "upstream"])
def test_what_is_given_as_a_machine_is_one_however_it_looks(name: str) -> None:
    for value, host in (
        ("networking.istio.io/v1alpha3", "networking.istio.io"),
        ("registry.example.com/app:1", "registry.example.com"),
        ("web1", "web1"),
        ("WEB1:80", "web1"),
        ("ana@web1", "web1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("config.yaml", "config.yaml"),
    ):
        assert named_hosts(name, value) == [host]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "/health"),
        ("endpoint", "api/v1/users"),
        ("server", "nginx/1.25"),
        ("address", "221B Baker Street"),
        ("email_address", "ana@shop"),
        ("host", ""),
        ("docker_host", "/var/run/docker.sock"),
        ("image", "registry.example.com/app"),
        ("label_selector", "shop.example.com"),
        ("apiVersion", "shop.example.com"),
        ("email", "ana@shop.example.com"),
        ("files", "shop.example.com"),
        ("ghost", "web1"),
        ("curl", "web1"),
        ("hosts_file", "web1"),
    ],
)
def test_a_name_is_read_with_its_value(name: str, value: str) -> None:
    assert named_hosts(name, value) == []


@pytest.mark.parametrize("name", ["image", "label_selector", "apiVersion"])
def test_an_address_is_one_wherever_it_stands(name: str) -> None:
    assert named_hosts(name, "http://prod.example.com/x") == ["prod.example.com"]
    assert named_hosts(name, "10.0.0.9") == ["10.0.0.9"]


@pytest.mark.parametrize(
    "line",
    [
        "kubectl delete virtualservices.gateway.example.com slow",
        "kubectl set image deploy/web web=registry.example.com:5000/app:1",
        "kubectl label pod web-0 example.com/owner-",
        "docker pull registry.example.com/app",
        "grep shop.example.com /var/log/shop.log",
        "systemctl restart ssh",
        "pkill -f curl",
        "apt-get install -y curl wget",
        "tc qdisc add dev eth0 root netem delay 100ms",
        "stress-ng --cpu 2 --timeout 5s",
        "cp config.dev config.test",
        "make test.local",
        "mail -s drill ops@example.com",
        "git config user.email ana@example.com",
        "git commit -m 'mend example.com' --author 'Ana <ana@example.com>'",
        "ssh-keygen -t ed25519 -C ana@example.com",
        "sqlite3 shop.db \"select 'ana@example.com'\"",
        "psql -c \"delete from users where mail = 'ana@example.com'\"",
        "redis-cli set user:ana@example.com 1",
        "openssl req -new -subj /CN=shop.example.com",
        "wget -O shop.com /x",
        "python3 -m shop.app",
        "python3 -c 'import shop.dev'",
        "python3 manage.py runserver --settings=shop.settings.local",
        "gunicorn shop.app:create_app",
        "celery -A shop.app control shutdown",
        "our-tool --email ana@example.com --image=registry.example.com/app",
        "our-tool app@v1.2.3 @types/node@20.1.0",
        "aws s3 cp s3://bucket.name/x .",
        "rsync -a shop.app/ copy.app/",
        "scp shop.com copy.com",
        "git show HEAD:config.dev",
        "gpg --encrypt -r ana@example.com x",
        "nc -l 8080",
    ],
)
def test_the_words_of_a_program_that_calls_nobody_are_no_machines(line: str) -> None:
    assert _reached(line) == []


@pytest.mark.parametrize(
    "words",
    [
        "-A shop.dev/1.0",
        "-H 'User-Agent: shop.dev/1.0'",
        "-u ana@example.com:x",
        "-H 'Authorization: Bearer ey.ab.io'",
        "-o shop.example.com",
        "-d owner=ana@example.com",
    ],
)
def test_what_curl_is_given_beside_its_addresses_is_no_machine(words: str) -> None:
    assert _reached(f"curl {words} http://localhost/") == ["localhost"]
    assert _reached(f"curl -s {words} localhost && echo ok") == ["localhost"]


def test_the_table_holds_only_kinds_that_are_known() -> None:
    table, globs = _table()
    assert all(" " not in glob for glob, _ in globs)
    for name, program in table.items():
        assert {*program.operands, *program.options.values()} <= set(get_args(Kind)), name
        assert all(option.startswith("-") and not option.endswith((";", ",")) for option in program.options), name


_WORDS = st.sampled_from(
    ["ssh", "-p", "22", "-J", "curl", "--url", "--host=", "sh", "-c", "'", '"', "$(", ")", "`", "a@", "web1", "|", ";", "[::1]:",
     "http://", "x.example.com", "xargs", "sudo", "docker", "exec", "--", "A=", "/dev/tcp/", "{}", "%68", "é.example", "\\", "<<E"]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=12), st.sampled_from(["", " "]))
def test_any_words_can_be_read_and_each_machine_once(words: list[str], between: str) -> None:
    line = between.join(words)
    for provider in ({"path": "sh", "arguments": ["-c", line]}, {"path": "ssh", "arguments": line}, {"path": line}):
        hosts = [each.host for each in reached_by(provider, {"TARGET_URL": "http://t.example"})]
        assert len(hosts) == len(set(hosts))


@given(st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]\.(example\.com|test)", fullmatch=True), st.sampled_from(["", "."]))
def test_a_machine_is_found_in_any_spelling(host: str, dot: str) -> None:
    for spelling in (host, host.upper(), host.title()):
        for text in (f"x {spelling}{dot} y", f"http://{spelling}{dot}/x", f"{spelling}:80", f"ana@{spelling}"):
            assert [each.rstrip(".") for each in hosts_in(text)] == [host]
