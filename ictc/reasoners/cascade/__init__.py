"""`CascadeReasoner`: a cheap reasoner answers all, a strong one what is worth its price."""

from ictc.reasoners.cascade.reasoner import CascadeReasoner as CascadeReasoner
