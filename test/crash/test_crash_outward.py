"""kill -9 of anything at any instant loses nothing that is on its way to another server, and doubles nothing
but what was in flight just then."""
from outward import Outward


def test_what_was_acknowledged_reaches_the_other_servers_whoever_is_killed(tmp_path, request):
    outward = Outward(tmp_path, request.config.getoption("--seed"))
    try:
        outward.run(request.config.getoption("--outward"), 15)
    finally:
        print(outward.service.log()[-4000:])  # pytest shows it where the test fails
        outward.stop()
