"""The engine `ray`: Ray Data for images and texts, and a pool of workers for models; on this machine or on many."""
