"""How each result is recorded: the objects that the command prints with --json."""

from __future__ import annotations

from detector.auditing.model import TrustAudit
from detector.forensics.judged import JudgedConnection
from detector.forensics.story import CaptureStory
from detector.logs.story import LogStory
from detector.messages.explaining import Explained
from detector.model.inquiry import Diagnosis
from detector.model.observation import Judgement
from detector.model.recorded import recorded_by
from detector.report.check_json import check_record
from detector.report.diagnose_json import diagnose_record
from detector.report.explain_json import explain_record
from detector.report.logs_json import log_records
from detector.report.pcap_json import pcap_record, summary_records
from detector.report.trust_json import audit_record

recorded_by(Judgement, check_record)
recorded_by(Diagnosis, diagnose_record)
recorded_by(Explained, explain_record)
recorded_by(JudgedConnection, pcap_record)
recorded_by(CaptureStory, summary_records)
recorded_by(LogStory, log_records)
recorded_by(TrustAudit, audit_record)
