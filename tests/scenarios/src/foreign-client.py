"""A client of mailyard.routing.v1 that knows it from the protos only: stubs of grpcio-tools, transport of grpcio.

Arguments: HOST:PORT of the gateway, folder of the generated stubs. Each claim prints its name and `ok`; the first that
does not hold ends the program with 1.
"""

import sys
import threading
import time

address, stubs = sys.argv[1:3]
sys.path.insert(0, stubs)

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from mailyard.routing.v1 import change_set_pb2 as change
from mailyard.routing.v1 import configuration_pb2 as configuration
from mailyard.routing.v1 import configuration_pb2_grpc, routing_pb2_grpc
from mailyard.routing.v1 import routing_pb2 as routing

channel = grpc.insecure_channel(address)
routes = routing_pb2_grpc.RoutingServiceStub(channel)
admin = configuration_pb2_grpc.ConfigurationServiceStub(channel)


def put(domain, *destinations, expectation=change.EXPECTATION_UNSPECIFIED):
    route = change.SmtpRoute(receiving_domain=domain, destinations=destinations)
    return change.Operation(set=change.SetItem(item=change.Item(route=route), expectation=expectation))


def remove(domain):
    return change.Operation(remove=change.RemoveItem(section=change.SECTION_ROUTES, key=domain))


def commit(*operations, **more):
    return admin.Commit(configuration.CommitRequest(operations=operations, author="pia", **more), timeout=10)


def refusal(call):
    """The status that a call ends with, and its details by type."""
    try:
        call()
    except grpc.RpcError as error:
        details = {}
        status = rpc_status.from_call(error)
        for any_ in status.details if status else []:
            for kind in (error_details_pb2.BadRequest, error_details_pb2.ErrorInfo):
                if any_.Is(kind.DESCRIPTOR):
                    details[kind.__name__] = kind()
                    any_.Unpack(details[kind.__name__])
        return error.code(), details
    raise AssertionError("nothing was refused")


def holds(name, truth):
    if not truth:
        sys.exit(f"{name}: does not hold")
    print(f"{name}: ok")


first = commit(*(put(f"d{n:03}.example", f"mail{n}.example.net") for n in range(250)), reason="many")

# Listing
seen, token, pages = [], "", 0
while True:
    page = routes.ListRoutes(routing.ListRoutesRequest(page_size=100, page_token=token))
    seen += [listed.route.receiving_domain for listed in page.routes]
    token, pages = page.next_page_token, pages + 1
    if pages == 1:
        commit(put("between.example", "late.example"))
    if not token:
        break
holds("listing is paged, of one version", pages == 3 and len(seen) == 251 and "between.example" not in seen)
page = routes.ListRoutes(routing.ListRoutesRequest(contains="MAIL7"))
holds("listing is filtered by destination too", len(page.routes) == 11 and page.total == 252)
got = routes.GetRoute(routing.GetRouteRequest(receiving_domain="D007.example."))
holds("get tells who changed it last", got.changed_by.author == "pia" and got.changed_by.reason == "many")
holds("get of what is not there", refusal(lambda: routes.GetRoute(routing.GetRouteRequest(receiving_domain="no.example")))[0] == grpc.StatusCode.NOT_FOUND)

# Changing
faulty = [put("*.example", "h.example"), put("e.example", "h.example:0", "i.example/pri=x")]
faults = admin.Validate(configuration.ValidateRequest(operations=faulty)).faults
holds("validate finds all faults at once", [f.code for f in faults] == ["ROUTE_DOMAIN_INVALID", "ROUTE_PORT_RANGE", "ROUTE_PRI_RANGE"])
code, details = refusal(lambda: commit(*faulty))
violations = details["BadRequest"].field_violations
holds("commit names the fields", code == grpc.StatusCode.INVALID_ARGUMENT and violations[1].field == "operations[1].set.item.route.destinations[0]" and violations[1].reason == "ROUTE_PORT_RANGE")
preview = admin.Preview(configuration.PreviewRequest(operations=[put("e.example", "h.example"), remove("d000.example")]))
holds("preview tells the difference", sorted(d.key for d in preview.differences) == ["d000.example", "e.example"])
made = commit(put("e.example", "h.example"), id="once", reason="new host")
again = commit(put("e.example", "h.example"), id="once", reason="new host")
holds("the same id is the same change", again.was_committed and not made.was_committed and again.version == made.version)
code, details = refusal(lambda: commit(put("e.example", "i.example"), expected_version=made.version - 1))
info = details["ErrorInfo"]
holds("a stale commit is refused with the difference", code == grpc.StatusCode.ABORTED and info.reason == "VERSION_CONFLICT" and "routes e.example" in info.metadata["differences"])
holds("unless it is disjoint", commit(put("f.example", "i.example"), expected_version=made.version - 1).version == made.version + 1)
code, details = refusal(lambda: commit(put("ALL", "/dev/null")))
holds("ALL /dev/null wants to be confirmed", details["ErrorInfo"].reason == "CONFIRMATION_REQUIRED")

# Looking
decision = routes.Lookup(routing.LookupRequest(recipient="u@x.e.example", min_version=made.version)).decision
holds("lookup", decision.matched == "e.example" and decision.hosts.hosts[0].host == "h.example")
batch = [routing.LookupBatchRequest(recipients=[f"d{n:03}.example" for n in range(250)] + ["no domain"])] * 3
answers = list(routes.LookupBatch(iter(batch)))
holds("batch lookup, in order", [len(a.decisions) for a in answers] == [251] * 3 and answers[2].decisions[9].matched == "d009.example" and answers[0].decisions[250].WhichOneof("target") is None)
why = routes.Explain(routing.ExplainRequest(recipient="u@e.example", draft=routing.Draft(operations=[put(".example", "j.example"), remove("e.example")])))
holds("explain, under a draft", [c.route.receiving_domain for c in why.candidates] == [".example", "ALL"] and why.candidates[0].verdict == routing.VERDICT_WINNER)
why = routes.Explain(routing.ExplainRequest(recipient="u@e.example", version=first.version))
holds("explain, as it was", why.version == first.version and why.decision.matched == "DNS")

watched, watching = [], threading.Event()


def watch():
    try:
        for event in routes.Watch(routing.WatchRequest(), timeout=20):
            watched.append(event)
            watching.set()
            if event.WhichOneof("event") == "changed" and "w.example" in event.changed.receiving_domains:
                return
    except grpc.RpcError:
        return


watcher = threading.Thread(target=watch)
watcher.start()
watching.wait(20)
began = time.monotonic()
commit(put("w.example", "h.example"))
watcher.join(20)
holds("watch tells what changed within a second", watched[0].WhichOneof("event") in ("position", "reset") and watched[-1].changed.receiving_domains[:] == ["w.example"] and time.monotonic() - began < 1)

# Files
text = b"".join(piece.content for piece in admin.Export(configuration.ExportRequest()))
holds("export ends with the default", text.startswith(b"# SMTP routes, exported by ") and text.endswith(b"\nALL:\n"))


def upload(content, **more):
    parts = [configuration.ImportRequest(header=configuration.ImportHeader(author="pia", **more))]
    parts += [configuration.ImportRequest(content=content[i : i + 1000]) for i in range(0, len(content), 1000)]
    return admin.Import(iter(parts), timeout=20)


same = upload(text)
holds("what was exported imports as the same", same.added == same.removed == same.changed == 0 and not same.faults)
bad = upload(b"a.example h:0\nok.example h.example\n*.b h.example\n")
holds("import names every fault with its line", not bad.is_committed and [f.line for f in bad.faults] == [1, 3])
dry = upload(b"a.example h.example\n", dry_run=True)
holds("import, dry, counts", not dry.is_committed and dry.added == 1 and dry.removed == 254)
whole = upload(b"a.example h.example\nALL: relay.example\n", reason="file")
holds("import replaces all", whole.is_committed and whole.removed == 254)

# History
entries = admin.History(configuration.HistoryRequest(page_size=2, with_operations=True)).entries
holds("history, newest first, with who and why", entries[0].change.reason == "file" and entries[0].change.author == "pia")
found = admin.History(configuration.HistoryRequest(id="once")).entries
holds("a change is found by its id", [e.change.version for e in found] == [made.version])
diff = admin.Diff(configuration.DiffRequest(from_version=made.version - 1, to_version=made.version))
holds("difference of two versions", [d.key for d in diff.differences] == ["e.example"])
back = admin.Rollback(configuration.RollbackRequest(to_version=made.version, author="pia"))
diff = admin.Diff(configuration.DiffRequest(from_version=made.version, to_version=back.version))
holds("rollback", back.version == whole.version + 1 and not diff.differences)
verified = admin.Verify(configuration.VerifyRequest())
holds("verify", verified.versions == back.version and not verified.problems)

# What every gRPC server has
code, _ = refusal(lambda: routes.Lookup(routing.LookupRequest(recipient="a.example", min_version=10**6), timeout=0.2))
holds("deadlines are kept", code == grpc.StatusCode.DEADLINE_EXCEEDED)
health = health_pb2_grpc.HealthStub(channel)
check = health.Check(health_pb2.HealthCheckRequest(service="mailyard.routing.v1.RoutingService"))
holds("health", check.status == health_pb2.HealthCheckResponse.SERVING)
reflected = ProtoReflectionDescriptorDatabase(channel)
services = reflected.get_services()
described = reflected.FindFileContainingSymbol("mailyard.routing.v1.ConfigurationService")
holds("reflection", "mailyard.routing.v1.ConfigurationService" in services and described.package == "mailyard.routing.v1")
